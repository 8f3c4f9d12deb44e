// SPDX-License-Identifier: Apache-2.0
// Loaded by agent.cjs where the supervisor holds sockets: a server that asks for a held port or path gets a duplicate
// of the held socket, so that two workers can serve it. All else is left to Node; what a second worker could not have as
// well is reported.
'use strict';
const fs = require('fs');
const net = require('net');
const { basename, dirname, join, resolve } = require('path');
const { isMainThread } = require('worker_threads');
const drainage = require(`${__dirname}/agent_drain.cjs`);

const BACKLOG = 65535; // the queue is the supervisor's, as long as the kernel lets it be; Node's 511 would shorten it

const isClusterWorker = () => isMainThread && require('cluster').isWorker;

const realPath = (path) => {
	if (path.startsWith('\0')) return path;
	try {
		return join(fs.realpathSync(dirname(path)), basename(path));
	} catch {
		return resolve(path);
	}
};

const socketOf = ([, fd, dev, ino, escaped], index) => {
	const at = fs.fstatSync(Number(fd), { bigint: true });
	if (at.dev !== BigInt(dev) || at.ino !== BigInt(ino)) throw new Error('another file');
	const socket = { place: index + 1, fd: Number(fd), taken: false };
	const [, kind, rest] = decodeURIComponent(escaped).match(/^(tcp|unix):(.*)$/s);
	if (kind === 'unix') return { ...socket, path: realPath(rest) };
	const [, host = '', port] = rest.match(/^(?:\[?(.*?)\]?:)?(\d+)$/);
	return { ...socket, host, port: Number(port) };
};

const socketsOf = (variable) => [...variable.matchAll(/;listen=(\d+):(\d+):(\d+):([^;]+)/g)].flatMap((match, index) => {
	try {
		return [socketOf(match, index)];
	} catch {
		return []; // not passed on to this process
	}
});

// What is asked for, in the words of heapward/record.h.
const tcp = (port, host) => {
	const where = !host ? '' : host.includes(':') ? `[${host}]:` : `${host}:`;
	return { port, host: host || '', name: `tcp:${where}${port}` };
};
const unix = (path) => {
	const real = realPath(path);
	return { port: 0, path: real, asked: path, name: `unix:${encodeURIComponent(real).replace(/%2F/g, '/')}` };
};

// The wish of listen(...args); undefined where a second worker can have the same.
const wishOf = (args) => {
	const [first, second] = args;
	const options = typeof first === 'object' && first !== null ? first
		: typeof first === 'string' && !(Number(first) >= 0) ? { path: first } : { port: first, host: second };
	const { port, host, path, signal } = options;
	const more = { signal, alone: Boolean(options.exclusive || options.reusePort) };
	if (options.handle || options._handle || options.fd >= 0) return undefined;
	if (typeof port === 'number' || typeof port === 'string')
		return Number(port) > 0 ? { ...tcp(Number(port), typeof host === 'string' ? host : ''), ...more } : undefined;
	return typeof path === 'string' ? { ...unix(path), ...more } : undefined;
};

module.exports = (variable, agent) => {
	const sockets = socketsOf(variable);
	const foreign = new WeakMap(); // server -> what it asked for, where that is not held
	const listen = net.Server.prototype.listen;
	const track = drainage(agent);

	const find = (wish) => {
		const found = sockets.filter(({ port, path }) => (wish.port ? port === wish.port : path === wish.path));
		return found.find(({ host }) => host === wish.host) ?? found[0];
	};

	// Without agent.node there is only the descriptor itself, for one server.
	const duplicate = (socket) => {
		if (agent.duplicate) return agent.duplicate(socket.fd);
		const fd = socket.taken ? -1 : socket.fd;
		socket.taken = true;
		return fd;
	};

	const serve = (server, fd, socket, wish, callback) => {
		try {
			listen.call(server, { fd, signal: wish.signal }, BACKLOG, callback);
		} catch (error) {
			if (fd !== socket.fd) fs.closeSync(fd);
			throw error;
		}
		if (wish.asked) server._pipeName = wish.asked; // for server.address()
		if (server._handle) {
			agent.listening?.(socket.place, wish.port, wish.name);
			agent.beat();
			track(server, server._handle); // now: a cluster's primary takes it out of the server
		}
		return server;
	};

	// In a worker of a cluster: the primary comes here too, for all of its workers, and reports. `exclusive` would keep
	// the worker from asking it.
	const follow = (server, { port, host, asked, signal }, callback) => {
		track(server, undefined);
		return listen.call(server, { ...(port ? { port, host } : { path: asked }), backlog: BACKLOG, signal }, callback);
	};

	const announce = (server, wish) => {
		if (!foreign.has(server)) {
			server.on('listening', () => {
				const { port, name } = foreign.get(server) ?? {};
				if (name) agent.listening?.(0, port, name);
			});
		}
		foreign.set(server, wish);
	};

	net.Server.prototype.listen = function (...args) {
		let wish, socket, worker;
		try {
			wish = wishOf(args);
			socket = wish && find(wish);
			worker = isClusterWorker();
			if (foreign.has(this) || (wish && !socket && (!worker || wish.alone))) announce(this, socket ? undefined : wish);
		} catch {}
		const callback = typeof args[args.length - 1] === 'function' ? args[args.length - 1] : null;
		if (socket && worker) return follow(this, wish, callback);
		const fd = socket ? duplicate(socket) : -1;
		return fd >= 0 ? serve(this, fd, socket, wish, callback) : listen.apply(this, args);
	};

	// A primary whose workers accept by themselves (cluster.SCHED_NONE) makes a handle for them, and no server.
	const createHandle = net._createServerHandle;
	net._createServerHandle = (address, port, type, fd, flags) => {
		const wish = fd >= 0 || (!(port > 0) && !address) ? undefined : port > 0 ? tcp(port, address) : unix(address);
		const socket = wish && find(wish);
		const copy = socket ? duplicate(socket) : -1;
		if (copy < 0) return createHandle(address, port, type, fd, flags);
		agent.listening?.(socket.place, wish.port, wish.name);
		return createHandle(null, null, null, copy);
	};
};
delete require.cache[__filename];
