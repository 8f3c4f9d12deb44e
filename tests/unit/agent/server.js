// SPDX-License-Identifier: Apache-2.0
// For test_drain: unmodified servers of every kind. Arguments: kind, where (a port or a path). What they print on stdout
// is what a test compares.
'use strict';
const cluster = require('cluster');
const http = require('http');
const net = require('net');
const { Worker, isMainThread, workerData } = require('worker_threads');
const [kind, place] = isMainThread ? process.argv.slice(2) : workerData;
const where = Number(place) || place;

const answer = (request, response) => {
	const slow = request.url.startsWith('/slow') ? 600 : 0;
	if (request.url === '/raw') return response.writeHead(200, ['Connection', 'keep-alive', 'X-A', '1']).end('fine');
	if (request.url === '/own') return response.writeHead(200, 'Fine', { connection: 'keep-alive', 'X-A': '1' }).end('fine');
	if (request.url === '/early') return response.end('fine'); // before the body
	request.resume().on('end', () => setTimeout(() => response.end('fine'), slow));
};
const secret = { pskCallback: () => Buffer.alloc(32, 7), ciphers: 'PSK', maxVersion: 'TLSv1.2' }; // needs no certificate
const print = (...words) => console.log(words.map(String).join(' '));

const kinds = {
	http: () => http.createServer(answer).listen(where),
	https: () => require('https').createServer(secret, answer).listen(where),
	http2: () => require('http2').createServer(answer).listen(where),
	net: () => net.createServer((socket) => socket.on('data', (data) => socket.write(data)).on('error', () => {}))
		.listen({ port: where, host: '127.0.0.1', backlog: 10 }),
	thread: () => new Worker(__filename, { workerData: ['http', place] }),
	cluster: () => cluster.isPrimary ? [1, 2].forEach(() => cluster.fork()) : kinds.http(),
	exclusive: () => cluster.isPrimary ? cluster.fork()
		: http.createServer(answer).listen({ port: where, exclusive: true }),
	shared: () => {
		cluster.schedulingPolicy = cluster.SCHED_NONE;
		kinds.cluster();
	},
	// Everything that a program may see of its server.
	look: () => {
		const server = http.createServer(answer);
		const callback = () => {
			const address = server.address();
			print('listening', server.listening, typeof address === 'string' ? address : address.port === where);
			if (server.again) return;
			server.again = true;
			server.close((error) => {
				print('closed', error, server.listening);
				server.listen(where, '127.0.0.1', callback);
				try {
					server.listen(where);
				} catch (error) {
					print(error.code);
				}
			});
		};
		server.on('listening', () => print('event'));
		print(server.listen(where, callback) === server);
	},
	// Sockets that are nobody's business, and one that is.
	others: () => {
		net.createServer().listen(0);
		const lent = net.createServer().listen(0, '127.0.0.1', () => {
			const { port } = lent.address(); // free again in a moment
			lent.close(() => net.createServer().listen({ host: '127.0.0.1', port })
				.on('error', () => process.exit(9)).on('listening', function () {
					print(this.address().port);
					kinds.http();
				}));
		});
	},
	// Leaves in order at SIGTERM, and takes an unasked-for 'close' or an error for the end of the world.
	orderly: () => {
		const server = kinds.http().on('close', () => print('close'));
		setInterval(() => {}, 1000); // as a pool or a cache does
		process.on('SIGTERM', () => server.close((error) => {
			print('leaves', error);
			process.exit(error ? 1 : 0);
		}));
	},
};
kinds[kind]();
