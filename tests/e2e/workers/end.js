// Ends in the way that its arguments say.
'use strict';
const [way, value] = process.argv.slice(2);
const ways = {
  exit: () => process.exit(Number(value)),
  throw: () => { throw new Error('nobody catches this'); },
  abort: () => process.abort(),
  signal: () => { process.kill(process.pid, value); setInterval(() => {}, 1000); },
  // A program that makes a call which no server needs.
  denied: () => {
    require('node:child_process').execFile('unshare', ['--user', 'true'], (error) => process.exit(error ? 3 : 0));
  },
  recurse: () => { const deeper = () => deeper() + 1; deeper(); },
  // Prints V8's last line and does something else.
  lie: () => {
    console.error('FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory');
    if (value === 'abort') process.abort();
    if (value === 'live') setInterval(() => {}, 1000);
    else process.exitCode = Number(value);
    process.on('SIGTERM', () => process.exit(0));
    if (value === 'live') console.log('steady');
  },
  'lie-thread': () => {
    const { Worker } = require('node:worker_threads');
    new Worker('setInterval(() => {}, 1000)', { eval: true }).on('online', () => { ways.lie(); process.exit(Number(value)); });
  },
  // Only a single huge allocation is not contained, and that since Node 20. (An array that grows is, on 26, now and then.)
  'thread-array': () => {
    const { Worker } = require('node:worker_threads');
    new Worker('globalThis.kept = new Array(30e6).fill(1.5);', { eval: true })
      .on('error', (error) => process.exit(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 7 : 1));
  },
  // A worker thread's leak is contained by Node, with a limit of its own or without: the process lives, and leaves with 7.
  thread: () => {
    const { Worker } = require('node:worker_threads');
    const leak = 'const a = []; for (let i = 0; ; i++) a.push({ i, text: "object " + i });';
    new Worker(leak, { eval: true, resourceLimits: value > 0 ? { maxOldGenerationSizeMb: Number(value) } : {} })
      .on('error', (error) => process.exit(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 7 : 1));
  },
};
ways[way]();
