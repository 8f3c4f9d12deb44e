// Fills memory outside V8's heap until the kernel ends it: Buffers are not in the old space.
'use strict';
const kept = [];
setInterval(() => kept.push(Buffer.alloc(4 * 1024 * 1024, 1)), 2);
