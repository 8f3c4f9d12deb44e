// An open-loop load in JavaScript, for what tests/load does not speak: ask.js https|http2|http2c PORT RATE TIMEOUT-MSEC. A
// request every 1/RATE second whatever became of those before it; no retries. At SIGTERM it asks no more, hears the answers
// that are due, and prints its figures as heapward-load does.
'use strict';
const https = require('node:https');
const http2 = require('node:http2');
const kind = process.argv[2], [port, rate, timeout] = process.argv.slice(3).map(Number);
const figures = { requests: 0, failed: 0, connections: 0, again: 0 };
const trusting = { rejectUnauthorized: false }; // the certificate is the test's own

// As a polite client it leaves before the server's keepAliveTimeout of 5 s.
const keeping = new https.Agent({ ...trusting, keepAlive: true, timeout: 3000 });
const overHttps = (i, done) => {
  const options = { ...trusting, port, host: '127.0.0.1', timeout, agent: i % 2 ? keeping : false };
  const request = https.get(options, (response) => {
    let body = '';
    response.on('data', (data) => { body += data; }).on('end', () => done(response.statusCode, body));
    response.on('error', done);
  });
  request.on('error', done).on('timeout', () => request.destroy(new Error('timeout'))).on('close', () => done('closed'));
};

// One session for all, until the server has said goodbye; a new one then. Node's client drops what it sent within a
// millisecond or two of a GOAWAY, also from a server that only says it and closes nothing (1 of 38 times without heapward): such
// a request, which got no answer at all and no error, is asked once more, as RFC 9113 (8.7) has it.
let session;
const overHttp2 = (i, done, again = true) => {
  if (!session || session.closed || session.destroyed) {
    figures.connections++;
    session = http2.connect(kind === 'http2' ? `https://127.0.0.1:${port}` : `http://127.0.0.1:${port}`, trusting);
    session.on('error', () => {}); // its streams tell
  }
  let body = '', status;
  const stream = session.request({ ':path': '/' });
  stream.setTimeout(timeout, () => stream.destroy(new Error('timeout')));
  stream.on('response', (headers) => { status = headers[':status']; }).on('data', (data) => { body += data; });
  const mine = session;
  let over = false; // once, whichever event comes first
  const end = (what) => {
    if (over) return;
    over = true;
    if (!again || status !== undefined || !mine.closed || what instanceof Error) return done(what, body);
    figures.again++;
    overHttp2(i, done, false);
  };
  stream.on('end', () => end(status)).on('error', end).on('close', () => end('closed'));
};

let pending = 0;
const ask = () => {
  let due = true;
  const done = (what, body) => {
    if (!due) return;
    due = false;
    pending--;
    if (what === 200 && String(body) === 'all is well\n') return;
    figures.failed++;
    const name = what?.code ?? what?.message ?? `${what} ${body}`;
    figures[name] = (figures[name] ?? 0) + 1;
  };
  pending++;
  try {
    (kind === 'https' ? overHttps : overHttp2)(figures.requests++, done);
  } catch (error) {
    done(error);
  }
};

const began = Date.now();
const timer = setInterval(() => {
  while (figures.requests < (Date.now() - began) * rate / 1000) ask();
}, 1000 / rate);
process.on('SIGTERM', () => {
  clearInterval(timer);
  const look = () => {
    if (pending > 0) return setTimeout(look, 20);
    console.log(JSON.stringify(figures));
    process.exit(figures.failed > 0 ? 1 : 0);
  };
  look();
});
