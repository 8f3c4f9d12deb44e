// SPDX-License-Identifier: Apache-2.0
// Loaded by --require before the program, in each Node process and Worker of the service. Whatever goes wrong here is
// swallowed: the program must not notice that it is watched. agent.node does all the work; where it cannot be loaded or
// does not know this V8, a timer looks at the heap once a second (heapward/record.h has the layout of what it sends).
// Where the supervisor holds sockets, agent_listen.cjs serves them; agent_commands.cjs hears what it wants.
'use strict';
try {
	const { HEAPWARD_AGENT: variable, NODE_OPTIONS: options = '' } = process.env;
	if (variable) {
		const { isMainThread } = require('worker_threads');
		const v8 = require('v8');
		const script = process.argv[1] || '';
		const launcher = /(^|\/)((npm|npx|yarn|yarnpkg|pnpm|pnpx|corepack)(\.[cm]?js|-cli\.js)?|yarn-[^/]*\.cjs)$/
			.test(script);
		const agent = { exports: {} };
		const start = () => {
			try {
				process.dlopen(agent, `${__dirname}/agent.node`);
			} catch (error) {
				return error.code === 'ERR_DLOPEN_DISABLED' ? 4 : 5;
			}
			const heap = v8.getHeapStatistics();
			return agent.exports.start(variable, process.versions.node, script, isMainThread,
				/--heapsnapshot[-_]near[-_]heap[-_]limit/.test(`${options} ${process.execArgv.join(' ')}`),
				heap.heap_size_limit, heap.total_heap_size, heap.used_heap_size, heap.malloced_memory);
		};
		const timer = (problem) => {
			const fs = require('fs');
			const find = (name) => {
				const [, fd, dev, ino] = variable.match(new RegExp(`${name}=(\\d+):(\\d+):(\\d+)`));
				const at = fs.fstatSync(Number(fd), { bigint: true });
				if (at.dev !== BigInt(dev) || at.ino !== BigInt(ino)) throw new Error('another file');
				return Number(fd);
			};
			const door = find('door');
			const pipe = find('records');
			let dropped = 0;
			const send = (fd, kind, fill) => {
				const bytes = Buffer.alloc(128);
				bytes.writeUInt32LE(0x43525748, 0);
				[1, 128, kind, launcher ? 3 : 1].forEach((short, i) => bytes.writeUInt16LE(short, 4 + 2 * i));
				bytes.writeUInt32LE(process.pid, 12);
				bytes.writeUInt32LE(1, 16);
				fill(bytes.subarray(32), (at, ...numbers) => numbers.forEach((number, i) =>
					bytes.writeBigUInt64LE(BigInt(Math.max(0, Math.trunc(number))), 32 + at + 8 * i)));
				try {
					fs.writeSync(fd, bytes);
				} catch {
					dropped++;
				}
			};
			const look = () => send(pipe, 2, (body, put) => {
				const heap = v8.getHeapStatistics();
				body.writeUInt32LE(3, 0);
				put(16, heap.used_heap_size, heap.total_heap_size, heap.heap_size_limit, heap.external_memory,
					heap.malloced_memory, heap.total_available_size, dropped);
			});
			send(door, 1, (body, put) => {
				body.write('node', 0);
				body.write(process.versions.node.slice(0, 23), 16);
				put(40, v8.getHeapStatistics().heap_size_limit);
				body.writeUInt32LE(3, 72);
				body.writeUInt32LE(problem, 76);
			});
			look();
			setInterval(look, 1000).unref();
			process.on('exit', (status) => send(pipe, 9, (body) => {
				body.writeUInt32LE(1, 0);
				body.writeInt32LE(status | 0, 4);
			}));
			agent.exports.heartbeat = () => send(pipe, 6, () => {});
			agent.exports.listening = (held, port, name) => send(pipe, 4, (body) => {
				body.writeUInt32LE(held, 0);
				body.writeUInt32LE(port, 4);
				body.write(name.slice(0, 87), 8, 'latin1');
			});
		};
		// A server is watched, and of what it starts the workers of its cluster and who listens on a held socket: all
		// else may take its time.
		const watch = () => {
			const [whole, msec, below] = variable.match(/;heartbeat=(\d+)(:cluster)?/) ?? [];
			let beats = !whole || !isMainThread || launcher;
			const heartbeat = () => agent.exports.heartbeat?.();
			agent.exports.beat = () => {
				if (beats) return;
				beats = true;
				setImmediate(heartbeat); // before the first request can stop it
				setInterval(heartbeat, Number(msec)).unref();
			};
			if (!beats && !below) process.env.HEAPWARD_AGENT = variable.replace(whole, `${whole}:cluster`);
			if (!beats && (!below || require('cluster').isWorker)) agent.exports.beat();
		};
		const problem = start();
		if (problem && isMainThread) timer(problem);
		watch();
		if (variable.includes(';listen=') && !launcher) require(`${__dirname}/agent_listen.cjs`)(variable, agent.exports);
		if (isMainThread && !launcher && !problem) require(`${__dirname}/agent_commands.cjs`)(agent.exports);
	}
} catch {}
delete require.cache[__filename];
