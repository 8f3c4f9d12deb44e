// leak-server.js of which one of several instances leaks, by the clock and not by its requests, for the kernel gives the
// instances very different shares of those: one-leaks.js PORT KIB INSTANCE keeps KIB fifty times a second there.
'use strict';
const [, , , kib, instance] = process.argv;
process.argv[3] = '0';
process.argv.length = 4;
require('./leak-server.js');
const kept = [];
const leak = () => kept.push(Array.from({ length: Number(kib) * 25 }, (_, i) => ({ i })));
if (process.env.HEAPWARD_INSTANCE === instance && Number(kib) > 0) setInterval(leak, 20);
