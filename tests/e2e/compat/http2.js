// HTTP/2 with and without TLS: streams at once, bodies, pings.
'use strict';
const fs = require('node:fs');
const http2 = require('node:http2');
const { steps, serving } = require('./steps.js');

const secret = { key: fs.readFileSync('key.pem'), cert: fs.readFileSync('certificate.pem') };
const answer = (stream, headers) => {
  stream.respond({ ':status': 200 });
  stream.end(`${headers[':method']} ${headers[':path']}`);
};

function ask(session, path) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path });
    let text = '';
    stream.setEncoding('utf8').on('data', (part) => { text += part; });
    stream.on('end', () => resolve(text)).on('error', reject);
  });
}

async function talk(url, options) {
  const session = http2.connect(url, options);
  const texts = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(session, `/${i}`)));
  const ping = await new Promise((resolve) => session.ping((error) => resolve(error === null)));
  session.close();
  return [texts, ping];
}

steps({
  clear: () => serving(http2.createServer().on('stream', answer), (port) => talk(`http://localhost:${port}`)),
  secure: () => serving(http2.createSecureServer(secret).on('stream', answer), (port) =>
    talk(`https://localhost:${port}`, { ca: secret.cert })),
});
