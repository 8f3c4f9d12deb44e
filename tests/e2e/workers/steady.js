// Lives until SIGTERM and says "steady"; with "leak" it fills the old space with turns of the event loop between.
'use strict';
process.on('SIGTERM', () => process.exit(0));
const kept = [];
setInterval(() => {
  if (process.argv[2] === 'leak') for (let i = 0; i < 20000; i++) kept.push({ i, text: 'object ' + i });
}, process.argv[2] === 'leak' ? 5 : 1000);
console.log('steady');
