// SPDX-License-Identifier: Apache-2.0
// For agent_listen.cjs: what open connections are told while a worker drains, so that their clients come back on new
// ones. Nothing is closed here that a client may be writing to.
'use strict';
const sessions = new Set(); // of HTTP/2
let begun = false;

// Closing behind a response while its request's body still comes would reset the connection, and the response with it.
const hasUnreadBody = (request) => request?.headers && !request.complete &&
	(request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length']) > 0);

// The headers of writeHead (an object, or a list of names and values, flat or in pairs) with ours in place of theirs.
const withClose = (headers) => {
	const isOther = ([name]) => String(name).toLowerCase() !== 'connection';
	if (!Array.isArray(headers))
		return { ...Object.fromEntries(Object.entries(headers).filter(isOther)), Connection: 'close' };
	const pairs = Array.isArray(headers[0]) ? headers
		: headers.flatMap((name, at) => (at % 2 === 0 ? [[name, headers[at + 1]]] : []));
	return [...pairs.filter(isOther), ['Connection', 'close']].flat();
};

const markResponses = () => {
	const { prototype } = require('http').ServerResponse;
	const { writeHead } = prototype;
	prototype.writeHead = function (status, ...rest) {
		const at = rest.findIndex((argument) => typeof argument === 'object' && argument !== null);
		const may = !this.headersSent && !(status < 200) && !hasUnreadBody(this.req);
		if (may && at >= 0) rest[at] = withClose(rest[at]);
		else if (may) this.setHeader('Connection', 'close');
		return writeHead.call(this, status, ...rest);
	};
};

// Streams that are on their way are still taken: only after a round trip does the client know, and the session closes.
const part = (session) => {
	try {
		session.goaway(0, 2 ** 31 - 1);
		session.ping(() => session.close());
	} catch {} // it is closing already
};

// Knows the HTTP/2 sessions of a server from its first one on.
exports.watch = (server) => {
	if (typeof server.updateSettings !== 'function') return;
	server.on('session', (session) => {
		sessions.add(session);
		session.once('close', () => sessions.delete(session));
		if (begun) part(session);
	});
};

exports.begin = () => {
	begun = true;
	markResponses();
	for (const session of sessions) part(session);
};
delete require.cache[__filename];
