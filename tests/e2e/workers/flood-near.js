// Another heap of this process says hello, and that it is near its limit, as often as the pipe takes it and more, and leaves.
'use strict';
const { writeSync } = require('node:fs');
const record = (kind, ...body) => {
  const bytes = Buffer.alloc(128);
  bytes.writeUInt32LE(0x43525748);
  [1, 128, kind, 1].forEach((value, i) => bytes.writeUInt16LE(value, 4 + 2 * i));
  bytes.writeUInt32LE(process.pid, 12);
  bytes.writeUInt32LE(5, 16);
  body.forEach(([value, at]) => (typeof value === 'string' ? bytes.write(value, at) : bytes.writeUInt32LE(value, at)));
  return bytes;
};
writeSync(201, record(1, ['node', 32], ['20.1.0', 48], [112 << 20, 72], [1, 104]));
const flood = Buffer.concat(Array(512).fill(record(3, [64 << 20, 32], [60 << 20, 48], [112 << 20, 64])));
for (let taken = Date.now(); Date.now() < taken + 20;) { // full, and nobody reads: what is in it is read at our end
  try {
    writeSync(200, flood);
    taken = Date.now();
  } catch (error) {
    if (error.code !== 'EAGAIN') throw error;
  }
}
process.reallyExit(7);
