// TLS: HTTPS, session resumption, ALPN, a client that does not trust.
'use strict';
const fs = require('node:fs');
const https = require('node:https');
const tls = require('node:tls');
const { steps, ask, serving, once } = require('./steps.js');

const secret = { key: fs.readFileSync('key.pem'), cert: fs.readFileSync('certificate.pem') };
const ca = secret.cert;
const server = () => https.createServer(secret, (request, response) => response.end(request.socket.getProtocol()));

steps({
  get: () => serving(server(), (port) => ask({ port, ca, host: 'localhost' }, null, https)),
  'tls 1.2': () => serving(server(), (port) => ask({ port, ca, host: 'localhost', maxVersion: 'TLSv1.2' }, null, https)),
  untrusted: () => serving(server(), (port) => ask({ port, host: 'localhost' }, null, https)),
  'many at once': () => serving(server(), async (port) =>
    (await Promise.all(Array.from({ length: 20 }, () => ask({ port, ca, host: 'localhost' }, null, https)))).map((one) => one.status)),
  'by hand': () => serving(tls.createServer({ ...secret, ALPNProtocols: ['x'] }, (socket) => socket.end(socket.alpnProtocol)),
    async (port) => {
      const socket = tls.connect({ port, ca, host: 'localhost', ALPNProtocols: ['x'] });
      await once(socket, 'secureConnect');
      const { version } = socket.getCipher();
      const [text] = await once(socket, 'data');
      socket.destroy();
      return [text.toString(), socket.authorized, version];
    }),
});
