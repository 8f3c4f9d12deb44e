// The inspector, in the process and over its port; profiles, snapshots, reports.
'use strict';
const fs = require('node:fs');
const inspector = require('node:inspector');
const v8 = require('node:v8');
const { performance, PerformanceObserver } = require('node:perf_hooks');
const { promisify } = require('node:util');
const { steps, ask } = require('./steps.js');

const session = new inspector.Session();
session.connect();
const post = promisify(session.post.bind(session));

steps({
  evaluate: async () => (await post('Runtime.evaluate', { expression: '6 * 7' })).result.value,
  'a profile': async () => {
    await post('Profiler.enable');
    await post('Profiler.start');
    for (let i = 0; i < 1e6; i++) Math.sqrt(i);
    return (await post('Profiler.stop')).profile.nodes.length > 0;
  },
  'sampled memory': async () => {
    await post('HeapProfiler.startSampling');
    return typeof (await post('HeapProfiler.stopSampling')).profile.head;
  },
  'its port': async () => {
    inspector.open(0, '127.0.0.1');
    const port = Number(new URL(inspector.url()).port);
    const answer = await ask({ port, host: '127.0.0.1', path: '/json/version' });
    inspector.close();
    return [answer.status, JSON.parse(answer.body)['Protocol-Version']];
  },
  'a snapshot': () => {
    const file = v8.writeHeapSnapshot('compat.heapsnapshot');
    const size = fs.statSync(file).size;
    fs.unlinkSync(file);
    return size > 100000;
  },
  'a report': () => {
    const file = process.report.writeReport('compat.json');
    const report = JSON.parse(fs.readFileSync(file));
    fs.unlinkSync(file);
    return [report.header.nodejsVersion === process.version, report.libuv.length > 0];
  },
  'event loop': () => [typeof performance.eventLoopUtilization().utilization, PerformanceObserver.supportedEntryTypes.includes('gc')],
}).then(() => session.disconnect());
