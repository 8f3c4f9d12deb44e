// zlib and crypto, in the thread pool and outside of it.
'use strict';
const crypto = require('node:crypto');
const zlib = require('node:zlib');
const { promisify } = require('node:util');
const { pipeline } = require('node:stream/promises');
const { Readable } = require('node:stream');
const { steps } = require('./steps.js');

const text = Buffer.from('all is well\n'.repeat(20000));
const there = async (pack, unpack) => (await promisify(unpack)(await promisify(pack)(text))).equals(text);
const hex = (buffer) => Buffer.from(buffer).toString('hex').slice(0, 32);

steps({
  gzip: () => there(zlib.gzip, zlib.gunzip),
  deflate: () => there(zlib.deflateRaw, zlib.inflateRaw),
  brotli: () => there(zlib.brotliCompress, zlib.brotliDecompress),
  zstd: () => (zlib.zstdCompress ? there(zlib.zstdCompress, zlib.zstdDecompress) : true),
  'a stream': async () => {
    let size = 0;
    await pipeline(Readable.from([text, text]), zlib.createGzip(), zlib.createGunzip(), async (source) => {
      for await (const part of source) size += part.length;
    });
    return size;
  },
  'what is no gzip': () => promisify(zlib.gunzip)(Buffer.from('no')),
  hashes: () => ['sha256', 'sha512', 'md5', 'sha3-256'].map((name) => hex(crypto.createHash(name).update(text).digest())),
  hmac: () => hex(crypto.createHmac('sha256', 'key').update(text).digest()),
  scrypt: async () => hex(await promisify(crypto.scrypt)('password', 'salt', 32)),
  pbkdf2: async () => hex(await promisify(crypto.pbkdf2)('password', 'salt', 10000, 32, 'sha256')),
  hkdf: async () => hex(await promisify(crypto.hkdf)('sha256', 'key', 'salt', 'info', 32)),
  random: async () => [(await promisify(crypto.randomBytes)(64)).length, crypto.randomUUID().length, crypto.randomInt(5) < 5],
  aes: () => {
    const cipher = crypto.createCipheriv('aes-256-gcm', Buffer.alloc(32, 1), Buffer.alloc(12, 2));
    return hex(Buffer.concat([cipher.update('text'), cipher.final(), cipher.getAuthTag()]));
  },
  'a key pair': async () => {
    const { publicKey, privateKey } = await promisify(crypto.generateKeyPair)('ec', { namedCurve: 'P-256' });
    return crypto.verify('sha256', text, publicKey, crypto.sign('sha256', text, privateKey));
  },
  ed25519: async () => {
    const { publicKey, privateKey } = await promisify(crypto.generateKeyPair)('ed25519');
    return crypto.verify(null, text, publicKey, crypto.sign(null, text, privateKey));
  },
  rsa: async () => {
    const { publicKey, privateKey } = await promisify(crypto.generateKeyPair)('rsa', { modulusLength: 1024 });
    return crypto.privateDecrypt(privateKey, crypto.publicEncrypt(publicKey, Buffer.from('text'))).toString();
  },
  dh: () => {
    const [one, other] = [crypto.createECDH('secp256k1'), crypto.createECDH('secp256k1')];
    one.generateKeys();
    other.generateKeys();
    return one.computeSecret(other.getPublicKey()).equals(other.computeSecret(one.getPublicKey()));
  },
  webcrypto: async () => {
    const { subtle } = crypto.webcrypto;
    const key = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt', 'decrypt']);
    const iv = crypto.webcrypto.getRandomValues(new Uint8Array(12));
    const hidden = await subtle.encrypt({ name: 'AES-GCM', iv }, key, Buffer.from('text'));
    return Buffer.from(await subtle.decrypt({ name: 'AES-GCM', iv }, key, hidden)).toString();
  },
  'webcrypto, a signature': async () => {
    const { subtle } = crypto.webcrypto;
    const pair = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, ['sign', 'verify']);
    const how = { name: 'ECDSA', hash: 'SHA-384' };
    return subtle.verify(how, pair.publicKey, await subtle.sign(how, pair.privateKey, text), text);
  },
});
