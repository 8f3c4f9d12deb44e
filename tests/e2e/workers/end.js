// Ends in the way that its arguments say.
'use strict';
const [way, value] = process.argv.slice(2);
const ways = {
  exit: () => process.exit(Number(value)),
  throw: () => { throw new Error('nobody catches this'); },
  abort: () => process.abort(),
  signal: () => { process.kill(process.pid, value); setInterval(() => {}, 1000); },
  lie: () => {
    console.error('FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory');
    process.exitCode = 1;
  },
  // A worker thread's leak is contained by Node: the process lives, and leaves with 7.
  thread: () => {
    const { Worker } = require('node:worker_threads');
    const leak = 'const a = []; for (let i = 0; ; i++) a.push({ i, text: "object " + i });';
    new Worker(leak, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 24 } })
      .on('error', (error) => process.exit(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 7 : 1));
  },
};
ways[way]();
