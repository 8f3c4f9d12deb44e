// SPDX-License-Identifier: Apache-2.0
// Loaded by --require before the program, in each Node process and Worker of the service. Whatever goes wrong here is
// swallowed: the program must not notice that it is watched. All the work is in agent.node.
'use strict';
try {
	const { HEAPWARD_AGENT: variable, NODE_OPTIONS: options = '' } = process.env;
	if (variable) {
		const agent = { exports: {} };
		process.dlopen(agent, `${__dirname}/agent.node`);
		const heap = require('v8').getHeapStatistics();
		agent.exports(variable, process.versions.node, process.argv[1] || '', require('worker_threads').isMainThread,
			/--heapsnapshot[-_]near[-_]heap[-_]limit/.test(`${options} ${process.execArgv.join(' ')}`),
			heap.heap_size_limit, heap.total_heap_size, heap.used_heap_size, heap.malloced_memory);
	}
} catch {}
delete require.cache[__filename];
