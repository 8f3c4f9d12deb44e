// An HTTP server that leaks Buffers. They are outside V8's heap: only the kernel's cap ends this one.
'use strict';
const http = require('node:http');

const remembered = [];

const server = http.createServer((request, response) => {
  remembered.push(Buffer.alloc(1024 * 1024, remembered.length)); // 1 MiB a request, in no heap
  response.end('remembered ' + remembered.length + '\n');
});

process.on('SIGTERM', () => server.close(() => process.exit(0)));
server.listen(Number(process.env.PORT || 3000), '127.0.0.1', () => {
  console.log('listening on ' + server.address().port);
});
