// Worker threads: messages, shared memory, waiting on it, limits, errors, their own end.
'use strict';
const { Worker, MessageChannel, BroadcastChannel } = require('node:worker_threads');
const { steps, once } = require('./steps.js');

const worker = (text, options) => new Worker(text, { eval: true, ...options });

steps({
  message: async () => {
    const one = worker('const { parentPort, workerData } = require("worker_threads"); parentPort.postMessage(workerData * 2);',
      { workerData: 21 });
    return (await once(one, 'message'))[0];
  },
  'eight at once': () => Promise.all(Array.from({ length: 8 }, async (_, i) => (await once(
    worker(`let sum = 0; for (let i = 0; i < 1e6; i++) sum += ${i}; require("worker_threads").parentPort.postMessage(sum);`),
    'message'))[0])),
  'shared memory': async () => {
    const shared = new Int32Array(new SharedArrayBuffer(4));
    const one = worker('const { workerData } = require("worker_threads"); Atomics.wait(workerData, 0, 0, 20);' +
      'Atomics.store(workerData, 0, 7); Atomics.notify(workerData, 0);', { workerData: shared });
    await once(one, 'exit');
    return Atomics.load(shared, 0);
  },
  channel: async () => {
    const { port1, port2 } = new MessageChannel();
    worker('const { workerData } = require("worker_threads"); workerData.postMessage("by port"); workerData.close();',
      { workerData: port2, transferList: [port2] });
    return (await once(port1, 'message'))[0];
  },
  broadcast: async () => {
    const channel = new BroadcastChannel('compat');
    const heard = new Promise((resolve) => { channel.onmessage = (event) => resolve(event.data); });
    worker('const { BroadcastChannel } = require("worker_threads"); const c = new BroadcastChannel("compat");' +
      'c.postMessage("to all"); c.close();');
    const data = await heard;
    channel.close();
    return data;
  },
  'its heap is full': async () => {
    // A chain of small things: one array that grows ends the whole process on 22 and 24, V8's own way.
    const one = worker('let last = null; for (;;) last = { last, text: [1, 2, 3] };', { resourceLimits: { maxOldGenerationSizeMb: 16 } });
    return (await new Promise((resolve) => one.once('error', resolve))).code;
  },
  throws: async () => {
    const one = worker('throw new RangeError("on purpose")');
    return (await new Promise((resolve) => one.once('error', resolve))).name;
  },
  'is ended': async () => worker('setInterval(() => {}, 1000)').terminate(),
  'exits with 3': async () => (await once(worker('process.exit(3)'), 'exit'))[0],
});
