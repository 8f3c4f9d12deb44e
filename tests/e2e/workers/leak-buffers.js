// Fills memory outside V8's heap until the kernel ends it: Buffers are not in the old space. Steps grow, so that a group at
// its limit is not kept alive for minutes by giving up and reading again the pages of its programs.
// `leak-buffers.js MIB`: with a rest of two seconds there, in which garbage is collected.
'use strict';
const kept = [];
const rest = Number(process.argv[2] || 0) * 1024 * 1024;
let total = 0;
let until = 0;
function step() {
  if (rest > 0 && total >= rest && until === 0) until = Date.now() + 2000;
  if (Date.now() < until) {
    for (let i = 0; i < 20000; i++) `garbage ${i}`.split('');
    return;
  }
  const left = until === 0 && rest > 0 ? rest - total : Infinity;
  const size = Math.min(Math.max(4 * 1024 * 1024, total / 8), left);
  kept.push(Buffer.alloc(size, 1));
  total += size;
}
setInterval(step, 2);
