// Fills the old space until V8 gives up. argument: objects (default), map, strings, closures, slow
'use strict';
const kept = [];
const map = new Map();
const ways = {
  objects: (i) => kept.push({ number: i, list: [i, i + 1, i + 2], text: 'object ' + i }),
  map: (i) => map.set('key ' + i, { number: i }),
  strings: (i) => kept.push(('x' + i).repeat(50).split('').join('-')),
  closures: (i) => kept.push(() => kept.length + i),
};
const way = process.argv[2] || 'objects';
const leak = ways[way] || ways.objects;
let count = 0;
if (way === 'slow') {
  setInterval(() => { for (let i = 0; i < 50000; i++) leak(count++); }, 10);
} else {
  for (;;) leak(count++);
}
