// An unmodified HTTP server that keeps a little of each request: leak-server.js PORT-OR-PATH [KIB] [KIND [MIB]]
// KIND: objects; buffers; cache: objects of which the oldest go once there are MIB of them; loaded: objects beside MIB that
// it loads as soon as it listens.
'use strict';
const http = require('node:http');
const [where, kib = '48', kind = 'objects', mib = '0'] = process.argv.slice(2);
const kept = [];
const object = () => Array.from({ length: Number(kib) * 25 }, (_, i) => ({ i }));
let next = 0;
const leaks = {
  objects: () => kept.push(object()),
  cache: () => { kept[next++ % Math.floor(Number(mib) * 1024 / Number(kib))] = object(); },
  buffers: () => kept.push(Buffer.alloc(Number(kib) * 1024, 1)),
};
leaks.loaded = leaks.objects;
const load = (left) => {
  for (let i = 0; i < 16; i++) kept.push(new Array(8192).fill(0.5)); // of 64 KiB
  if (left > 1) setImmediate(load, left - 1);
};
const server = http.createServer((request, response) => {
  if (Number(kib) > 0) leaks[kind]();
  response.end('all is well\n');
});
server.listen(Number.isNaN(Number(where)) ? where : Number(where), () => {
  console.log('steady');
  if (kind === 'loaded' && Number(mib) > 0) load(Number(mib));
});
