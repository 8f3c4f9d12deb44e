// Fills the old space until V8 gives up. argument: objects (default), map, set, dictionary, strings, closures, array,
// json, promises, microtasks, slow
'use strict';
const kept = [];
const way = process.argv[2] || 'objects';
const map = way === 'set' ? new Set() : new Map();
const dictionary = {};
const text = JSON.stringify(Array.from({ length: 1000 }, (_, i) => ({ i, name: `object ${i}` })));
const ways = {
  objects: (i) => kept.push({ number: i, list: [i, i + 1, i + 2], text: 'object ' + i }),
  map: (i) => map.set('key ' + i, { number: i }),
  strings: (i) => kept.push(('x' + i).repeat(50).split('').join('-')),
  closures: (i) => kept.push(() => kept.length + i),
  set: (i) => map.add(`key ${i}`),
  dictionary: (i) => { dictionary[`key ${i}`] = i; },
  array: (i) => kept.push(i),
  json: () => kept.push(JSON.parse(text)),
  promises: (i) => kept.push(new Promise((resolve) => { map.set(i, resolve); }).then(() => i)),
};
const leak = ways[way] || ways.objects;
let count = 0;
if (way === 'slow') {
  setInterval(() => { for (let i = 0; i < 50000; i++) leak(count++); }, 10);
} else if (way === 'microtasks') {
  const next = () => { leak(count++); queueMicrotask(next); };
  next();
} else {
  for (;;) leak(count++);
}
