// Fills memory outside the old space until the kernel ends it: shared | wasm | addon PATH
'use strict';
const kept = [];
const ways = {
  shared: () => kept.push(new Uint8Array(new SharedArrayBuffer(4 << 20)).fill(1)),
  wasm: () => kept.push(new Uint8Array(new WebAssembly.Memory({ initial: 64 }).buffer).fill(1)),
  addon: () => { for (let i = 0; i < 4; i++) take(); },
};
const take = process.argv[2] === 'addon' ? require(process.argv[3]) : undefined;
setInterval(ways[process.argv[2]], 2);
