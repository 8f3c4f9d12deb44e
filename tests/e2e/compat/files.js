// Files: in the working directory and in the temporary one: copies, trees, links, watching, streams, times, modes, locks.
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pipeline } = require('node:stream/promises');
const { setTimeout: pause } = require('node:timers/promises');
const { steps } = require('./steps.js');
const p = fs.promises;

const code = async (act) => act().then(() => 'no error', (error) => error.code);

const inOne = (directory) => {
  const at = (name) => path.join(directory, name);
  return {
    write: async () => {
      await p.writeFile(at('a'), 'x'.repeat(100000));
      await p.appendFile(at('a'), 'end');
      return (await p.stat(at('a'))).size;
    },
    copyFile: async () => {
      await p.copyFile(at('a'), at('b'), fs.constants.COPYFILE_FICLONE);
      return fs.readFileSync(at('b')).equals(fs.readFileSync(at('a')));
    },
    'a tree': async () => {
      await p.mkdir(at('tree/one/two'), { recursive: true });
      await p.writeFile(at('tree/one/two/file'), 'deep');
      await p.symlink('one/two/file', at('tree/link'));
      await p.cp(at('tree'), at('copy'), { recursive: true, preserveTimestamps: true, dereference: false });
      const found = await p.readdir(at('copy'));
      return [found.sort(), fs.readFileSync(at('copy/one/two/file'), 'utf8'), (await p.lstat(at('copy/link'))).isSymbolicLink()];
    },
    links: async () => {
      await p.link(at('a'), at('hard'));
      return [(await p.stat(at('hard'))).nlink, path.basename(await p.realpath(at('tree/link')))];
    },
    'rename and remove': async () => {
      await p.rename(at('b'), at('c'));
      await p.unlink(at('c'));
      await p.rm(at('copy'), { recursive: true });
      return [fs.existsSync(at('c')), fs.existsSync(at('copy'))];
    },
    'modes and times': async () => {
      await p.chmod(at('a'), 0o640);
      await p.utimes(at('a'), 1000, 2000);
      await p.chown(at('a'), process.getuid(), process.getgid());
      const about = await p.stat(at('a'));
      return [(about.mode & 0o7777).toString(8), about.mtimeMs];
    },
    'truncate and sync': async () => {
      const file = await p.open(at('a'), 'r+');
      await file.truncate(10);
      await file.writev([Buffer.from('ab'), Buffer.from('cd')], 10);
      await file.sync();
      await file.datasync();
      const { buffers, bytesRead } = await file.readv([Buffer.alloc(6), Buffer.alloc(20)], 8);
      await file.close();
      return [bytesRead, buffers[0].toString()];
    },
    streams: async () => {
      await pipeline(async function* () { for (let i = 0; i < 100; i++) yield Buffer.alloc(65536, i); }, fs.createWriteStream(at('big')));
      let size = 0;
      await pipeline(fs.createReadStream(at('big')), async (source) => { for await (const part of source) size += part.length; });
      return size;
    },
    watch: async () => {
      const controller = new AbortController();
      const seen = (async () => {
        for await (const event of p.watch(directory, { signal: controller.signal })) if (event.filename === 'watched') return event.filename;
      })();
      await pause(50);
      await p.writeFile(at('watched'), 'x');
      const name = await seen;
      controller.abort();
      return name;
    },
    'watch a tree': async () => {
      const watcher = fs.watch(path.join(directory, 'tree'), { recursive: true });
      const seen = new Promise((resolve, reject) => {
        watcher.on('change', () => resolve('seen'));
        watcher.on('error', reject);
      });
      await pause(50);
      await p.writeFile(at('tree/watched'), 'x');
      const result = await seen;
      watcher.close();
      return result;
    },
    watchFile: async () => {
      const seen = new Promise((resolve) => fs.watchFile(at('a'), { interval: 20 }, (now) => {
        if (now.size !== 5) return;
        fs.unwatchFile(at('a'));
        resolve(now.size);
      }));
      await pause(60);
      await p.writeFile(at('a'), '12345');
      return seen;
    },
    opendir: async () => {
      const names = [];
      for await (const entry of await p.opendir(directory)) names.push(entry.name);
      return names.sort();
    },
    errors: async () => [await code(() => p.readFile(at('none'))), await code(() => p.rmdir(at('tree'))), await code(() => p.mkdir(at('tree'))),
      await code(() => p.readdir(at('a'))), await code(() => p.access(at('none')))],
    statfs: async () => (fs.statfs ? typeof (await p.statfs(directory)).bsize : 'number'),
    'a socket and a pipe': () => require('node:child_process').spawnSync('mkfifo', [at('pipe')]).status,
    'the end': async () => {
      await p.rm(directory, { recursive: true });
      return fs.existsSync(directory);
    },
  };
};

const named = (prefix, list) => Object.fromEntries(Object.entries(list).map(([name, act]) => [`${prefix}: ${name}`, act]));
steps({
  ...named('here', inOne(fs.mkdtempSync('compat-'))),
  ...named('in tmp', inOne(fs.mkdtempSync(path.join(os.tmpdir(), 'compat-')))),
  'shared memory': async () => {
    fs.writeFileSync(`/dev/shm/compat-${process.pid}`, 'x');
    fs.unlinkSync(`/dev/shm/compat-${process.pid}`);
    return 'written';
  },
  'the machine\'s files': () => ['/etc/passwd', '/etc/hosts', '/proc/meminfo', '/proc/self/status', '/usr/share/common-licenses/GPL-3']
    .map((file) => { try { return fs.readFileSync(file, 'utf8').length > 0; } catch (error) { return error.code; } }),
  'the null device': () => { fs.writeFileSync('/dev/null', 'x'); return fs.readFileSync('/dev/null').length; },
  'the random device': () => { const fd = fs.openSync('/dev/urandom'); const n = fs.readSync(fd, Buffer.alloc(16)); fs.closeSync(fd); return n; },
});
