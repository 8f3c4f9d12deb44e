// The process and the machine: signals, priorities, interfaces, sockets, standard input, other modules.
'use strict';
const cluster = require('node:cluster');
const dgram = require('node:dgram');
const net = require('node:net');
const os = require('node:os');
const vm = require('node:vm');
const { steps, serving, once, ask } = require('./steps.js');

function beWorker() {
  require('node:http').createServer((request, response) => response.end('from a worker')).listen(Number(process.env.COMPAT_PORT));
}

async function ofCluster() {
  const port = await serving(net.createServer(), (free) => free);
  const workers = [0, 1].map(() => cluster.fork({ COMPAT_PORT: port }));
  await Promise.all(workers.map((worker) => once(worker, 'listening')));
  const answers = [await ask({ port }), await ask({ port })];
  await Promise.all(workers.map((worker) => { const gone = once(worker, 'exit'); worker.kill(); return gone; }));
  return answers;
}

const list = {
  'a signal to itself': async () => {
    const alive = setInterval(() => {}, 1000); // a listener for signals keeps nobody alive
    const heard = new Promise((resolve) => process.once('SIGUSR2', resolve));
    process.kill(process.pid, 'SIGUSR2');
    const name = await heard;
    clearInterval(alive);
    return name;
  },
  'is there': () => process.kill(process.pid, 0),
  'a lower priority': () => { const next = Math.min(os.getPriority() + 1, 19); os.setPriority(next); return os.getPriority() === next; },
  'the same one': () => os.setPriority(os.getPriority()),
  interfaces: () => Object.keys(os.networkInterfaces()).includes('lo'),
  machine: () => [os.cpus().length > 0, os.totalmem() > 0, os.hostname().length > 0, os.uptime() > 0, os.loadavg().length, os.userInfo().uid === process.getuid()],
  process: () => [process.umask(0o22).toString(8), typeof process.resourceUsage().maxRSS, process.memoryUsage().rss > 0, process.hrtime().length],
  title: () => { process.title = 'compat'; return process.title; },
  cwd: () => { const here = process.cwd(); process.chdir('/usr'); const there = process.cwd(); process.chdir(here); return there; },
  tcp: () => serving(net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)), async (port) => {
    const socket = net.connect({ port, noDelay: true, keepAlive: true });
    socket.end('echo');
    const [text] = await once(socket, 'data');
    return text.toString();
  }),
  'unix socket': () => serving(net.createServer((socket) => socket.end('local')), async (path) => {
    const [text] = await once(net.connect(path), 'data');
    return text.toString();
  }, 'system.socket'),
  udp: async () => {
    const [one, other] = [dgram.createSocket('udp4'), dgram.createSocket({ type: 'udp4', reuseAddr: true })];
    one.bind(0, '127.0.0.1');
    await once(one, 'listening');
    one.setTTL(10);
    other.send('datagram', one.address().port, '127.0.0.1');
    const [text] = await once(one, 'message');
    one.close();
    other.close();
    return text.toString();
  },
  cluster: ofCluster,
  'standard input': async () => { let text = ''; for await (const part of process.stdin) text += part; return text; },
  vm: () => vm.runInNewContext('a + 1', { a: 1 }),
  'a module': async () => (await import('node:path')).basename('/a/b'),
  locale: () => [new Intl.NumberFormat('de').format(1234.5), new Date(0).toLocaleDateString('en-GB', { timeZone: 'Europe/Berlin' })],
  clone: () => structuredClone(new Map([[1, { a: [2] }]])).get(1),
  timers: async () => { const { setTimeout: pause } = require('node:timers/promises'); return pause(10, 'later'); },
  sqlite: () => {
    let sqlite;
    try { sqlite = require('node:sqlite'); } catch { return 'none'; }
    const database = new sqlite.DatabaseSync('compat.db');
    database.exec('create table t (n); insert into t values (42)');
    const row = database.prepare('select n from t').get().n;
    database.close();
    require('node:fs').unlinkSync('compat.db');
    return row;
  },
};

if (cluster.isPrimary) steps(list).then(() => { process.exitCode = 4; });
else beWorker();
