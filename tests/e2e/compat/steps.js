// For the programs of test_compat: steps done one after the other, a line each: its result as JSON, or its error's code.
// Nothing that differs from one run to the next is printed: the same program must say the same with heapward and without.
'use strict';
const warnings = [];
process.on('warning', (warning) => warnings.push(`${warning.name} ${warning.code || ''}`.trim()));

async function steps(list) {
  for (const [name, act] of Object.entries(list)) {
    let result;
    try {
      result = JSON.stringify(await act());
    } catch (error) {
      result = `error ${error.code || error.message}`;
    }
    console.log(`${name}: ${result}`);
  }
  console.log(`warnings: ${JSON.stringify(warnings)}`);
}

// Whatever a server answers: status and body.
function ask(options, body, client = require('node:http')) {
  return new Promise((resolve, reject) => {
    const request = client.request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => { text += part; });
      response.on('end', () => resolve({ status: response.statusCode, body: text }));
    });
    request.on('error', reject).end(body);
  });
}

// A server that listens, what `use` makes of its port, and its end.
async function serving(server, use, where = 0) {
  await new Promise((resolve, reject) => server.once('error', reject).listen(where, resolve));
  try {
    return await use(typeof server.address() === 'string' ? server.address() : server.address().port);
  } finally {
    if (server.closeAllConnections) server.closeAllConnections();
    server.close();
  }
}

const once = (emitter, event) => new Promise((resolve, reject) => {
  emitter.once(event, (...values) => resolve(values));
  if (event !== 'error') emitter.once('error', reject);
});

module.exports = { steps, ask, serving, once };
