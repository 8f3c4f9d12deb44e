// An unmodified HTTP server that can be brought to a standstill: stuck.js PORT [MSEC-TO-LISTEN]. GET /stuck: for ever,
// /stuck?MSEC: for so long, /child: a child of it works for three seconds in one piece.
'use strict';
const { fork } = require('node:child_process');
const http = require('node:http');
const [port, delay = '0'] = process.argv.slice(2);
const block = (msec) => {
  for (const until = Date.now() + msec; Date.now() < until;);
};
if (port === 'child') setTimeout(block, 500, 3000);
else {
  const server = http.createServer((request, response) => {
    const [path, msec = 'Infinity'] = request.url.split('?');
    if (path === '/stuck') block(Number(msec));
    if (path === '/child') fork(__filename, ['child']).on('exit', () => response.end('all is well\n'));
    else response.end('all is well\n');
  });
  setTimeout(() => server.listen(Number(port)), Number(delay));
}
