// SPDX-License-Identifier: Apache-2.0
// For agent_listen.cjs: the servers on held sockets, and the command `drain`: they accept no more, and the supervisor
// hears when nothing is open any more. Handles are closed, not servers: the program sees no 'close', its clients keep
// their connections, and its own server.close() works later as ever.
'use strict';
const net = require('net');
const { isMainThread, BroadcastChannel } = require('worker_threads');
const farewell = require(`${__dirname}/agent_farewell.cjs`);

const LOOK_MSEC = 100;
const CLUSTER_LOOKS = 5; // what a cluster's primary has accepted may still be on its way to a worker
const CHANNEL = 'heapward'; // from the main thread to the others
const LAST = 1; // HEAPWARD_DRAIN_LAST
const LAST_CALL_MSEC = 500; // for clients that wait in the queues, and handshakes that are on their way there
const LAST_CALL_TURNS = 1000; // of a loop to which somebody comes in each

// Returns track(server, handle), to be called for each server on a held socket. The handle is the one that accepts for
// it; undefined: the server has it when it is time. agent.drain() is the command.
module.exports = (agent) => {
	const tracked = new Map();
	let begun = false;
	let draining = false;
	let hearing = isMainThread;
	let quiet = 0;

	// A cluster's worker has something else that only looks like a handle: there the primary accepts, and what it has
	// accepted is still to be taken.
	const stop = (server) => {
		const handle = tracked.get(server) ?? server._handle;
		if (!(handle?.fd >= 0)) return;
		const name = {};
		handle.getsockname?.(name);
		handle.close();
		// server.address() is as before; a worker that the cluster forks now compares it with what it asked for.
		if (handle.getsockname) handle.getsockname = (ret) => (Object.assign(ret, name), 0);
	};

	const open = (server) => new Promise((done) => server.getConnections((error, count) => done(count)));

	const look = async () => {
		const counts = await Promise.all([...tracked.keys()].map(open));
		const { isWorker, workers } = require('cluster');
		quiet = counts.some(Boolean) ? 0 : quiet + 1;
		if (quiet >= (isWorker || Object.keys(workers ?? {}).length > 0 ? CLUSTER_LOOKS : 1)) agent.drained();
		else setTimeout(() => look().catch(() => {}), LOOK_MSEC).unref();
	};

	const acceptNoMore = () => {
		draining = true;
		for (const server of tracked.keys()) stop(server);
		look().catch(() => {});
	};

	// Nobody follows: who waits in the queues is let in first. A busy turn of the loop can outlast the time for that, and
	// clients come in behind it: it goes on until a turn has brought nobody.
	const lastCall = () => {
		let came = 0;
		require('diagnostics_channel').subscribe('net.server.socket', () => { came++; });
		const turn = (left, before) => setImmediate(() => {
			if (left > 0 && came > before) turn(left - 1, came);
			else acceptNoMore();
		});
		setTimeout(() => turn(LAST_CALL_TURNS, came), LAST_CALL_MSEC).unref();
	};

	const drain = (last) => {
		if (begun) return;
		begun = true;
		farewell.begin();
		if (last) lastCall();
		else acceptNoMore();
	};

	const hearMainThread = () => {
		hearing = true;
		const channel = new BroadcastChannel(CHANNEL);
		channel.onmessage = ({ data }) => drain(data === LAST);
		channel.unref();
	};

	const tellThreads = (value) => {
		const channel = new BroadcastChannel(CHANNEL);
		channel.postMessage(value);
		channel.close();
	};

	agent.drain = (value) => {
		tellThreads(value);
		drain(value === LAST);
	};

	return (server, handle) => {
		if (!tracked.has(server)) {
			server.once('close', () => tracked.delete(server));
			farewell.watch(server);
		}
		tracked.set(server, handle);
		if (!hearing) hearMainThread();
		if (draining) stop(server);
	};
};
delete require.cache[__filename];
