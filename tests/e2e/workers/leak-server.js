// An unmodified HTTP server that keeps a little of each request: leak-server.js PORT-OR-PATH [KIB] [buffers]
'use strict';
const http = require('node:http');
const [where, kib = '48', kind = 'objects'] = process.argv.slice(2);
const kept = [];
const leaks = {
  objects: () => kept.push(Array.from({ length: Number(kib) * 25 }, (_, i) => ({ i }))),
  buffers: () => kept.push(Buffer.alloc(Number(kib) * 1024, 1)),
};
const server = http.createServer((request, response) => {
  if (Number(kib) > 0) leaks[kind]();
  response.end('all is well\n');
});
server.listen(Number.isNaN(Number(where)) ? where : Number(where), () => console.log('steady'));
