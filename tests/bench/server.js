// What tools/overhead measures: a small server that makes garbage as servers do, on the port of its first argument.
'use strict';
const http = require('node:http');
const rows = Array.from({ length: 20 }, (_, id) => ({ id, name: `row ${id}`, tags: ['a', 'b', 'c'] }));
http.createServer((request, response) => {
  const body = JSON.stringify({ path: request.url, rows: rows.map((row) => ({ ...row, at: request.url.length })) });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}).listen(Number(process.argv[2]), '127.0.0.1');
