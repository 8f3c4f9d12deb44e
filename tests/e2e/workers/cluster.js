// A cluster: `cluster.js COUNT [leak]`. The primary ends with 1 when a worker dies, as many do.
'use strict';
const cluster = require('node:cluster');
if (cluster.isPrimary) {
  let online = 0;
  const count = Number(process.argv[2]);
  for (let i = 0; i < count; i++) cluster.fork();
  cluster.on('online', () => { if (++online === count) console.log('steady'); });
  cluster.on('exit', () => process.exit(1));
  process.on('SIGTERM', () => process.exit(0));
} else {
  const kept = [];
  setInterval(() => {
    if (process.argv[3] === 'leak') for (let i = 0; i < 20000; i++) kept.push({ i, text: 'object ' + i });
  }, 10);
}
