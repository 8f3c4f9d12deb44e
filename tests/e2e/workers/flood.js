// Writes the wanted MiB of numbered lines to stderr as fast as it is taken, then leaves.
'use strict';
const wanted = Number(process.argv[2]) * 1024 * 1024;
let written = 0;
let line = 0;
while (written < wanted) {
  let text = '';
  while (text.length < 64 * 1024) text += `line ${line++} of a flood on stderr, to be passed on unchanged\n`;
  for (let at = 0; at < text.length;) {
    try {
      at += require('node:fs').writeSync(2, text.slice(at));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
  written += text.length;
}
