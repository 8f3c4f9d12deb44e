// Sends GET requests to a server on this machine until one fails or COUNT were answered. Loopback only.
// usage: node load.js PORT [COUNT] [AT-ONCE]
'use strict';
const http = require('node:http');

const [port, count, atOnce] = [Number(process.argv[2]), Number(process.argv[3] || 10000), Number(process.argv[4] || 8)];
const agent = new http.Agent({ keepAlive: true, maxSockets: atOnce });
let sent = 0;
let answered = 0;
let failure = '';

function report() {
  const end = failure ? `then one failed (${failure}): the server is gone` : 'none failed';
  console.log(`load: ${answered} requests answered, ${end}`);
  process.exit(0);
}

function next() {
  if (failure || sent === count) return;
  sent++;
  const request = http.get({ host: '127.0.0.1', port, path: '/' + sent, agent, timeout: 60000 }, (response) => {
    response.on('error', fail);
    response.on('data', () => {});
    response.on('end', () => {
      answered++;
      if (answered === count) report();
      next();
    });
  });
  request.on('timeout', () => request.destroy(new Error('no answer for 60 s')));
  request.on('error', fail);
}

function fail(error) {
  if (failure) return;
  failure = error.code || error.message;
  report();
}

for (let i = 0; i < atOnce; i++) next();
