// leak-server.js of which one of several instances leaks: one-leaks.js PORT KIB INSTANCE
'use strict';
const [, , , kib, instance] = process.argv;
process.argv[3] = process.env.HEAPWARD_INSTANCE === instance ? kib : '0';
process.argv.length = 4;
require('./leak-server.js');
