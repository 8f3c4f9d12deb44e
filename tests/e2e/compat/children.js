// Child processes: spawn, exec, execFile, fork, their synchronous ones, pipes, signals, groups, descriptors.
'use strict';
const { spawn, spawnSync, exec, execFile, execSync, fork } = require('node:child_process');
const { promisify } = require('node:util');
const fs = require('node:fs');
const { steps, once } = require('./steps.js');

const ended = async (child) => {
  const [code, signal] = await once(child, 'close');
  return [code, signal];
};

if (process.argv[2] === 'child') {
  process.on('message', (message) => {
    if (message === 'end') process.disconnect();
    else process.send({ heard: message, argument: process.argv[3] });
  });
} else {
  steps({
    spawn: async () => {
      const child = spawn('cat', ['-']);
      let text = '';
      child.stdout.on('data', (part) => { text += part; });
      child.stdin.end('through a pipe');
      return [await ended(child), text];
    },
    exec: async () => (await promisify(exec)('echo one two | tr a-z A-Z; cd /; pwd')).stdout,
    execFile: async () => (await promisify(execFile)(process.execPath, ['-p', '6 * 7'])).stdout,
    execSync: () => execSync('printf "%s" "$HEAPWARD_COMPAT"', { env: { ...process.env, HEAPWARD_COMPAT: 'set' } }).toString(),
    spawnSync: () => spawnSync('sh', ['-c', 'exit 7']).status,
    'a script with #!': () => {
      fs.writeFileSync('script.sh', '#!/bin/sh\necho "ran $1"\n', { mode: 0o755 });
      return execSync('./script.sh it').toString();
    },
    'not found': async () => ended(spawn('heapward-no-such-program')),
    fork: async () => {
      const child = fork(__filename, ['child', 'told']);
      child.send({ number: 1 });
      const [answer] = await once(child, 'message');
      child.send('end');
      return [answer, await ended(child)];
    },
    'fork, advanced': async () => {
      const child = fork(__filename, ['child'], { serialization: 'advanced' });
      child.send(new Map([[1, 2]]));
      const [answer] = await once(child, 'message');
      child.send('end');
      await ended(child);
      return [...answer.heard];
    },
    SIGTERM: async () => {
      const child = spawn('sleep', ['60']);
      await once(child, 'spawn');
      child.kill();
      return ended(child);
    },
    'SIGSTOP and SIGCONT': async () => {
      const child = spawn('sh', ['-c', 'echo up; read line; exit 5']);
      await once(child.stdout, 'data');
      child.kill('SIGSTOP');
      child.kill('SIGCONT');
      child.stdin.end('\n');
      return ended(child);
    },
    'its whole group': async () => {
      const child = spawn('sh', ['-c', 'sleep 60 & echo up; wait'], { detached: true });
      await once(child.stdout, 'data');
      process.kill(-child.pid, 'SIGKILL');
      return ended(child);
    },
    'a timeout': () => spawnSync('sleep', ['60'], { timeout: 100 }).signal,
    'another directory and descriptor': async () => {
      const child = spawn('sh', ['-c', 'pwd >&3'], { cwd: '/usr', stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
      const [text] = await once(child.stdio[3], 'data');
      return [text.toString(), await ended(child)];
    },
    'into a file': () => {
      const fd = fs.openSync('out.txt', 'w');
      spawnSync('echo', ['kept'], { stdio: ['ignore', fd, 'ignore'] });
      fs.closeSync(fd);
      return fs.readFileSync('out.txt', 'utf8');
    },
    abort: async () => {
      const controller = new AbortController();
      const child = spawn('sleep', ['60'], { signal: controller.signal });
      const failed = new Promise((resolve) => child.once('error', (error) => resolve(error.code)));
      controller.abort();
      return failed;
    },
    'python, where there is one': () => spawnSync('python3', ['-c', 'import os, subprocess; print(subprocess.call(["true"]))']).status ?? 'none',
    'the shell\'s tools': () => execSync('ls -d / && df / | wc -l && id -u | wc -l && date +%Z | wc -l && ps -o pid= -p $$ | wc -l').toString(),
  });
}
