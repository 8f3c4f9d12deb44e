// WebAssembly: compiled in the process, which maps memory to execute; memory that grows; one shared with a thread.
'use strict';
const { Worker } = require('node:worker_threads');
const { steps, once } = require('./steps.js');

// (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
const add = Buffer.from('0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b', 'hex');

steps({
  instantiate: async () => (await WebAssembly.instantiate(add)).instance.exports.add(20, 22),
  synchronous: () => new WebAssembly.Instance(new WebAssembly.Module(add)).exports.add(1, 2),
  hot: async () => {
    const { exports } = (await WebAssembly.instantiate(add)).instance;
    let sum = 0;
    for (let i = 0; i < 2e6; i++) sum = exports.add(sum, 1);
    return sum;
  },
  'memory grows': () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 100 });
    return [memory.grow(50), memory.buffer.byteLength];
  },
  'memory beyond its maximum': () => new WebAssembly.Memory({ initial: 1, maximum: 2 }).grow(50),
  'a broken module': () => { try { new WebAssembly.Module(Buffer.from('0061736d02000000', 'hex')); } catch (error) { return error.name; } },
  'in a thread': async () => {
    const one = new Worker('const { parentPort, workerData } = require("worker_threads");' +
      'parentPort.postMessage(new WebAssembly.Instance(workerData).exports.add(3, 4));',
    { eval: true, workerData: new WebAssembly.Module(add) });
    return (await once(one, 'message'))[0];
  },
  'a hot function in JavaScript': () => {
    const turn = (x) => ((x * 31) ^ (x >>> 3)) & 0xffff;
    let value = 1;
    for (let i = 0; i < 3e6; i++) value = turn(value + i);
    return value;
  },
  regexp: () => 'a1b22c333'.replace(/[a-z](\d+)/g, '<$1>'),
});
