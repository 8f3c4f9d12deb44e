// A server that outlives its child: `parent.js WAY`, where the child dies by WAY, and says "child ended CODE SIGNAL".
'use strict';
const { fork } = require('node:child_process');
const ways = {
  buffers: () => { const kept = []; setInterval(() => kept.push(Buffer.alloc(4 << 20, 1)), 1); },
  heap: () => { const kept = []; for (let i = 0; ; i++) kept.push({ i, text: 'object ' + i }); },
  exit: () => process.exit(3),
};
if (process.argv[3] === 'child') {
  ways[process.argv[2]]();
} else {
  const child = fork(__filename, [process.argv[2], 'child']);
  child.on('exit', (code, signal) => console.log(`child ended ${code} ${signal}`));
  process.on('SIGTERM', () => process.exit(0));
  setInterval(() => {}, 1000);
  console.log('steady');
}
