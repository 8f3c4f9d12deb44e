// A server with a worker thread; says "steady" once both run.
'use strict';
const { Worker, isMainThread, parentPort } = require('node:worker_threads');
if (isMainThread) {
  new Worker(__filename).on('message', () => console.log('steady'));
  process.on('SIGTERM', () => process.exit(0));
} else {
  parentPort.postMessage('here');
  setInterval(() => {}, 1000);
}
