// SPDX-License-Identifier: Apache-2.0
// For test_drain: clients that retry nothing. Arguments: kind, where (a port or a path), and a URL's path. Each prints
// one line at its end. `load` asks every 5 ms, on 32 connections in turn, until its stdin ends; the others go on at the
// first byte there.
'use strict';
const http = require('http');
const [kind, place, url = '/'] = process.argv.slice(2);
const where = Number(place) ? { port: Number(place), host: '127.0.0.1' } : { socketPath: place };
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const go = new Promise((done) => process.stdin.once('data', done));

// Resolves to "status body connection", or to the error's code.
const ask = (options) => new Promise((done) => {
	const { body = '', library = http, ...others } = options;
	const request = library.request({ ...where, agent, path: url, timeout: 60000, ...others }, (response) => {
		let text = '';
		response.setEncoding('utf8').on('data', (data) => { text += data; }).on('error', (error) => done(error.code));
		response.on('end', () => done(`${response.statusCode} ${text} ${response.headers.connection}`));
	});
	request.on('error', (error) => done(error.code)).on('timeout', () => request.destroy(new Error('timeout'))).end(body);
});

const kinds = {
	async load() {
		const counts = {};
		const pending = new Set();
		const agents = Array.from({ length: 32 }, () => new http.Agent({ keepAlive: true }));
		let turn = 0;
		const timer = setInterval(() => {
			const one = ask({ agent: agents[turn++ % agents.length] }).then((what) => {
				counts[what] = (counts[what] ?? 0) + 1;
				pending.delete(one);
			});
			pending.add(one);
		}, 5);
		await new Promise((done) => process.stdin.on('end', done).resume());
		clearInterval(timer);
		await Promise.all(pending);
		const good = (counts['200 fine keep-alive'] ?? 0) + (counts['200 fine close'] ?? 0);
		const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
		console.log(all - good, 'of', all, 'failed', JSON.stringify(counts));
	},
	// One connection: a request before, one after.
	async twice(options = {}) {
		const first = await ask(options);
		console.log('asked');
		await go;
		console.log(first, '|', await ask(options));
	},
	// A request that is under way when the drain begins.
	async slow() {
		const answer = ask({ path: '/slow' });
		setTimeout(() => console.log('asked'), 100);
		console.log(await answer);
	},
	// An answer before the body has come: the connection must live until the body is through.
	async early() {
		const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
		await ask({ agent });
		console.log('asked');
		await go;
		const body = Buffer.alloc(4 << 20);
		const [first, second] = [await ask({ agent, path: '/early', method: 'POST', body }), await ask({ agent })];
		console.log(first, '|', second);
	},
	https() {
		const https = require('https');
		const pskCallback = () => ({ psk: Buffer.alloc(32, 7), identity: 'client' });
		const secret = { pskCallback, ciphers: 'PSK', maxVersion: 'TLSv1.2', checkServerIdentity: () => undefined };
		return kinds.twice({ library: https, agent: new https.Agent({ keepAlive: true, ...secret }) });
	},
	// One stream before, one that has begun when the goaway comes.
	async http2() {
		const session = require('http2').connect(`http://127.0.0.1:${place}`);
		const get = (path, begun) => new Promise((done) => {
			const stream = session.request({ ':path': path }).on('response', begun).on('error', (error) => done(error.code));
			let text = '';
			stream.setEncoding('utf8').on('data', (data) => { text += data; }).on('end', () => done(text));
		});
		const told = new Promise((done) => session.on('goaway', (code, last) => done(`goaway ${code} ${last}`)));
		const first = await get('/', () => {});
		const slow = get('/begun', () => console.log('asked'));
		await go;
		const closed = new Promise((done) => session.on('close', () => done('closed')));
		console.log(first, '|', await told, '|', await slow, '|', await closed);
	},
	async net() {
		const socket = require('net').connect(where);
		const echo = (text) => new Promise((done) => socket.once('data', (data) => done(String(data))).write(text));
		const first = await echo('one');
		console.log('asked');
		await go;
		console.log(first, await echo('two'));
		socket.end();
	},
};
kinds[kind]().then(() => process.exit());
