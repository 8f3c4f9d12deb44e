// SPDX-License-Identifier: Apache-2.0
// For agent.cjs: the supervisor's commands (struct heapward_command, heapward/record.h), which come down the private
// socket of the process. It does not keep the program alive, and what is not understood is dropped.
'use strict';
const net = require('net');

const HEADER = Buffer.from('4857434301001800', 'hex'); // magic, version, size
const BYTES = 24;

module.exports = (agent) => {
	const commands = {
		1: (value) => (agent.drain ?? agent.drained)(value),
		2: (value) => agent.limit(value),
	};

	let rest = Buffer.alloc(0);
	const take = (bytes) => {
		for (rest = Buffer.concat([rest, bytes]); rest.length >= BYTES; rest = rest.subarray(BYTES)) {
			if (HEADER.equals(rest.subarray(0, HEADER.length)))
				commands[rest.readUInt16LE(8)]?.(Number(rest.readBigUInt64LE(16)));
		}
	};

	const fd = agent.commands();
	if (fd >= 0) new net.Socket({ fd, allowHalfOpen: true }).on('data', take).on('error', () => {}).unref();
};
delete require.cache[__filename];
