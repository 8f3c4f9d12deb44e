// A server that lives until it is told to stop; says which signals it hears and what it was started with.
'use strict';
const http = require('node:http');
const server = http.createServer((request, response) => response.end('ok\n'));
for (const signal of ['SIGHUP', 'SIGUSR2', 'SIGWINCH']) process.on(signal, () => console.log('heard ' + signal));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
server.listen(0, '127.0.0.1', () => {
  console.log('limit ' + require('node:v8').getHeapStatistics().heap_size_limit);
  console.log('options ' + JSON.stringify(process.env.NODE_OPTIONS));
  console.log('marks ' + JSON.stringify(globalThis.marks || []));
  console.log('steady');
});
