// HTTP/1.1: keep-alive, bodies, chunks, upgrades, a UNIX socket, fetch.
'use strict';
const http = require('node:http');
const { steps, ask, serving } = require('./steps.js');

const echo = (request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part)).on('end', () => {
    response.writeHead(request.method === 'PUT' ? 201 : 200, { 'x-kind': 'echo' });
    response.write(request.method);
    response.end(` ${request.url} ${Buffer.concat(parts).length}`);
  });
};

steps({
  get: () => serving(http.createServer(echo), (port) => ask({ port, path: '/a?b=c' })),
  put: () => serving(http.createServer(echo), (port) => ask({ port, method: 'PUT' }, Buffer.alloc(3 * 1024 * 1024))),
  'ten on one connection': () => serving(http.createServer(echo), async (port) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const statuses = [];
    for (let i = 0; i < 10; i++) statuses.push((await ask({ port, agent, path: `/${i}` })).body);
    agent.destroy();
    return statuses;
  }),
  'fifty at once': () => serving(http.createServer(echo), async (port) =>
    (await Promise.all(Array.from({ length: 50 }, (_, i) => ask({ port, path: `/${i}` })))).map((answer) => answer.status)),
  upgrade: () => serving(http.createServer().on('upgrade', (request, socket) =>
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello')),
  (port) => new Promise((resolve) => http.request({ port, headers: { Connection: 'Upgrade', Upgrade: 'x' } })
    .on('upgrade', (response, socket, head) => {
      socket.destroy();
      resolve([response.statusCode, head.toString()]);
    }).end())),
  'unix socket': () => serving(http.createServer(echo), (socketPath) => ask({ socketPath, path: '/' }), 'http.socket'),
  ipv6: () => serving(http.createServer(echo), (port) => ask({ port, host: '::1' })),
  fetch: () => serving(http.createServer(echo), async (port) => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'text' });
    return [answer.status, await answer.text(), answer.headers.get('x-kind')];
  }),
  refused: async () => {
    const port = await serving(http.createServer(echo), (free) => free);
    return ask({ port });
  },
});
