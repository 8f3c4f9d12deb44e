// SPDX-License-Identifier: Apache-2.0
// For test_heap_limit: does what the lines of stdin say, one after the other: keep N (MiB of objects), drop (all that is
// kept), collect (make garbage until V8 collects its old space), leak (until it dies), fork (one more of a cluster).
'use strict';
const cluster = require('cluster');
const v8 = require('v8');

let kept = [];
const oneMib = () => Array.from({ length: 16 }, () => new Array(8192).fill(0.5).map(Number));
const keep = (mib) => { for (let i = 0; i < mib; i++) kept.push(oneMib()); };

const collect = () => {
	v8.setFlagsFromString('--expose-gc');
	require('vm').runInNewContext('gc')();
};

const acts = { keep: (mib) => keep(Number(mib)), drop: () => { kept = []; }, collect, fork: () => cluster.fork(),
	leak: () => { for (;;) keep(1); } };

if (process.argv[2] === 'cluster' && !cluster.isPrimary) {
	setInterval(() => {}, 1000);
} else {
	let rest = '';
	process.stdin.on('data', (bytes) => {
		const lines = (rest + bytes).split('\n');
		rest = lines.pop();
		for (const line of lines) {
			const [act, argument] = line.split(' ');
			acts[act](argument);
		}
	});
	process.stdin.on('end', () => process.exit(0));
}
