// An ES module that fills the old space until V8 gives up.
const kept = [];
for (let i = 0; ; i++) kept.push({ number: i, list: [i, i + 1], text: `object ${i}` });
