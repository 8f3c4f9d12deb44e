// A server that holds as much as it is asked to: keep-server.js PORT. /keep/N: N MiB of objects more; /drop: none; /collect:
// a full collection. Answers once it is done.
'use strict';
const http = require('node:http');
const v8 = require('node:v8');
const vm = require('node:vm');
let kept = [];
const oneMib = () => Array.from({ length: 16 }, () => new Array(8192).fill(0.5).map(Number));
const acts = {
  keep: async (mib) => {
    for (let i = 0; i < mib; i++) {
      kept.push(oneMib());
      await new Promise(setImmediate);
    }
  },
  drop: () => { kept = []; },
  collect: () => {
    v8.setFlagsFromString('--expose-gc');
    vm.runInNewContext('gc')();
  },
};
http.createServer(async (request, response) => {
  const [, act, argument] = request.url.split('/');
  await acts[act]?.(Number(argument));
  response.end('done\n');
}).listen(Number(process.argv[2]), () => console.log('steady'));
