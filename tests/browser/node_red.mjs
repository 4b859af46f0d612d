// Node-RED, embedded as its documentation says (so that the kernel can choose the port), with nothing that asks the
// network. Prints "listening on HOST:PORT" when its flows run; SIGTERM stops it.
//   node node_red.mjs NODE_MODULES_FOLDER USER_FOLDER
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';

const [modules, folder] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), 'package.json'));
const RED = require('node-red');
const express = require('express');

// What a person writes in settings.js to put the editor behind a CDN: the files that come with a release are the same
// for everybody until the next one. Everything else stays as Node-RED sends it.
const ofTheRelease = /^\/(red|vendor|types|icons)\//;
function forTheEdge(request, response, next) {
  if (ofTheRelease.test(request.path)) response.set('CDN-Cache-Control', 'max-age=600');
  next();
}

const app = express();
const server = http.createServer(app);
fs.writeFileSync(path.join(folder, 'flows.json'), JSON.stringify([{ id: 'tab', type: 'tab', label: 'Flow 1' }]));
RED.init(server, {
  userDir: folder,
  flowFile: 'flows.json',
  httpAdminRoot: '/',
  httpNodeRoot: '/app/',
  httpAdminMiddleware: forTheEdge,
  credentialSecret: 'of a test',
  telemetry: { enabled: false, updateNotification: false },
  externalModules: { autoInstall: false, palette: { allowInstall: false } },
  editorTheme: { tours: false, palette: { catalogues: [] } },
  logging: { console: { level: 'warn', metrics: false, audit: false } },
});
app.use('/app/', RED.httpNode);
app.use('/', RED.httpAdmin);

process.once('SIGTERM', async () => {
  await RED.stop();
  // Connections that the edge keeps idle would hold the server open.
  server.closeAllConnections?.();
  server.close(() => process.exit(0));
});

RED.events.once('flows:started', () => {
  server.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${server.address().port}`));
});
await RED.start();
