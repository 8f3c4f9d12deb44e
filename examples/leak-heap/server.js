// An HTTP server with the usual leak: it remembers every request. V8's old space fills until the fatal heap-limit error.
'use strict';
const http = require('node:http');

const remembered = [];

const server = http.createServer((request, response) => {
  // About 48 KiB of objects a request, in the heap.
  const notes = [];
  for (let i = 0; i < 400; i++) notes.push({ url: request.url, at: Date.now(), number: i, text: 'note ' + i });
  remembered.push(notes);
  response.end('remembered ' + remembered.length + '\n');
});

process.on('SIGTERM', () => server.close(() => process.exit(0)));
server.listen(Number(process.env.PORT || 3000), '127.0.0.1', () => {
  console.log('listening on ' + server.address().port);
});
