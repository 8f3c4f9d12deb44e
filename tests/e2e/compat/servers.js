// Well-known servers from npm (tools/frameworks servers, and frameworks), each asked a little; and a native addon.
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const { steps, ask, serving, once } = require('./steps.js');

const listening = async (port, use, end) => {
  try {
    return await use(port);
  } finally {
    await end();
  }
};
const post = (port, path, body) => ask({ port, path, method: 'POST', headers: { 'content-type': 'application/json' } }, JSON.stringify(body));

steps({
  express: async () => {
    const express = require('express');
    const app = express();
    app.use(express.json());
    app.use('/files', express.static('.'));
    app.get('/hello/:name', (request, response) => response.json({ hello: request.params.name }));
    app.post('/echo', (request, response) => response.status(201).send(request.body));
    fs.writeFileSync('static.txt', 'static');
    return serving(http.createServer(app), async (port) => [await ask({ port, path: '/hello/you' }), await post(port, '/echo', { a: 1 }),
      await ask({ port, path: '/files/static.txt' }), (await ask({ port, path: '/none' })).status]);
  },
  fastify: async () => {
    const app = require('fastify')();
    app.get('/', async () => ({ hello: 'fastify' }));
    app.post('/', { schema: { body: { type: 'object', required: ['a'] } } }, async (request) => request.body.a);
    await app.listen({ port: 0 });
    const { port } = app.server.address();
    return listening(port, async () => [await ask({ port }), (await post(port, '/', {})).status, await post(port, '/', { a: 'b' })], () => app.close());
  },
  koa: () => {
    const app = new (require('koa'))();
    app.use(async (context, next) => { await next(); context.set('x-koa', '1'); });
    app.use((context) => { context.body = { path: context.path }; });
    return serving(http.createServer(app.callback()), (port) => ask({ port, path: '/koa' }));
  },
  hapi: async () => {
    const server = require('@hapi/hapi').server({ port: 0, host: 'localhost' });
    server.route({ method: 'GET', path: '/{name}', handler: (request) => `hapi ${request.params.name}` });
    await server.start();
    const { port } = server.info;
    return listening(port, () => ask({ port, host: 'localhost', path: '/you' }), () => server.stop());
  },
  nest: async () => {
    require('reflect-metadata');
    const { Controller, Get, Module } = require('@nestjs/common');
    const { NestFactory } = require('@nestjs/core');
    class Hello { hello() { return { hello: 'nest' }; } }
    Get()(Hello.prototype, 'hello', Object.getOwnPropertyDescriptor(Hello.prototype, 'hello'));
    Controller('hello')(Hello);
    class App {}
    Module({ controllers: [Hello] })(App);
    const app = await NestFactory.create(App, { logger: false });
    await app.listen(0);
    const { port } = app.getHttpServer().address();
    return listening(port, () => ask({ port, path: '/hello' }), () => app.close());
  },
  'socket.io': async () => {
    const server = http.createServer();
    const io = new (require('socket.io').Server)(server);
    io.on('connection', (socket) => socket.on('ask', (value, answer) => answer(value + 1)));
    return serving(server, async (port) => {
      const client = require('socket.io-client')(`http://localhost:${port}`, { transports: ['websocket'] });
      const value = await new Promise((resolve) => client.emit('ask', 41, resolve));
      client.close();
      io.close();
      return value;
    });
  },
  ws: () => {
    const { WebSocket, WebSocketServer } = require('ws');
    const server = http.createServer();
    new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (data) => socket.send(`heard ${data}`)));
    return serving(server, async (port) => {
      const client = new WebSocket(`ws://localhost:${port}`);
      await once(client, 'open');
      client.send('x');
      const [text] = await once(client, 'message');
      client.terminate();
      return text.toString();
    });
  },
  'http-proxy': () => serving(http.createServer((request, response) => response.end(`behind ${request.url}`)), (behind) => {
    const proxy = require('http-proxy').createProxyServer({ target: `http://127.0.0.1:${behind}` });
    return serving(http.createServer((request, response) => proxy.web(request, response)), (port) => ask({ port, path: '/proxied' }));
  }),
  'serve-handler': () => {
    fs.mkdirSync('public', { recursive: true });
    fs.writeFileSync('public/index.html', '<h1>served</h1>');
    const handler = require('serve-handler');
    return serving(http.createServer((request, response) => handler(request, response, { public: 'public' })), (port) => ask({ port, path: '/' }));
  },
  'json-server': async () => {
    fs.writeFileSync('database.json', JSON.stringify({ posts: [{ id: 1, title: 'one' }] }));
    const jsonServer = require('json-server');
    const app = jsonServer.create();
    app.use(jsonServer.bodyParser);
    app.use(jsonServer.router('database.json'));
    return serving(http.createServer(app), async (port) => [await ask({ port, path: '/posts/1' }), (await post(port, '/posts', { title: 'two' })).status,
      JSON.parse(fs.readFileSync('database.json')).posts.length]);
  },
  'bcrypt, a native addon': async () => {
    const bcrypt = require('bcrypt');
    const hash = await bcrypt.hash('password', 4);
    return [await bcrypt.compare('password', hash), bcrypt.compareSync('other', hash)];
  },
}).then(() => process.exit(0)); // timers of servers that are closed
