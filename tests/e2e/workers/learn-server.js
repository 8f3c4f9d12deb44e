// A server that does a little of everything for each request: files, zlib, crypto, a worker thread's pool, and now and then a
// child. What it calls is learnt, and it has to go on living on that.
'use strict';
const { execFile } = require('child_process');
const { createServer } = require('http');
const { gzip } = require('zlib');
const { randomBytes } = require('crypto');
const { stat } = require('fs');
const { Worker, isMainThread } = require('worker_threads');

let count = 0;

function answer(response) {
  response.setHeader('content-type', 'text/plain');
  response.end('all is well\n');
}

function work(response) {
  stat(__filename, (error) => {
    if (error) return response.writeHead(500).end(String(error));
    gzip(randomBytes(4096), () => answer(response));
  });
}

if (isMainThread) {
  new Worker(__filename);
  createServer((request, response) => {
    if (++count % 100 === 1) execFile('true', () => work(response));
    else work(response);
  }).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'));
  process.on('SIGTERM', () => process.exit(0));
}
