// DNS: lookups by the system, and a resolver that asks a server of our own.
'use strict';
const dgram = require('node:dgram');
const dns = require('node:dns');
const { steps, once } = require('./steps.js');

// The question back, with one answer: an address for A, a text for TXT; "none.test" does not exist.
function answer(question) {
  const end = question.indexOf(0, 12) + 5;
  const type = question.readUInt16BE(end - 4);
  const missing = question.subarray(12, end).includes('none');
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(missing ? 0x8183 : 0x8180, 2);
  header.writeUInt16BE(missing ? 0 : 1, 6);
  header.fill(0, 8, 12);
  const data = type === 16 ? Buffer.from('\x05hello') : Buffer.from([192, 0, 2, 7]);
  const record = Buffer.concat([Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]), data]);
  return Buffer.concat([header, question.subarray(12, end), missing ? Buffer.alloc(0) : record]);
}

(async () => {
  const server = dgram.createSocket('udp4');
  server.on('message', (message, from) => server.send(answer(message), from.port, from.address)).bind(0, '127.0.0.1');
  await once(server, 'listening');
  const resolver = new dns.promises.Resolver({ timeout: 2000, tries: 2 });
  resolver.setServers([`127.0.0.1:${server.address().port}`]);
  await steps({
    resolve4: () => resolver.resolve4('a.test'),
    'many at once': async () => (await Promise.all(Array.from({ length: 30 }, (_, i) => resolver.resolve4(`a${i}.test`)))).length,
    resolveTxt: () => resolver.resolveTxt('a.test'),
    missing: () => resolver.resolve4('none.test'),
    'lookup localhost': () => dns.promises.lookup('localhost', { family: 4 }),
    'lookup all': async () => (await dns.promises.lookup('localhost', { all: true })).length > 0,
    'lookup nothing': () => dns.promises.lookup('heapward.invalid'),
    service: () => dns.promises.lookupService('127.0.0.1', 22),
  });
  server.close();
})();
