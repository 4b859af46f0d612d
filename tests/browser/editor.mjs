// The editor of Node-RED behind meridian-edge, used by Chromium as a person would.
//   node editor.mjs MERIDIAN_EDGE NODE_MODULES_FOLDER CHROMIUM
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

import { Cases } from './cases.mjs';
import { Program } from './processes.mjs';
import { Visit } from './visit.mjs';

const [edgeBinary, modules, chromiumBinary] = process.argv.slice(2);
const { chromium } = createRequire(path.join(path.resolve(modules), 'package.json'))('playwright-core');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'meridian-browser-'));
const here = path.dirname(new URL(import.meta.url).pathname);
const cases = new Cases();
const programs = [];

function start(file, ...args) {
  programs.push(new Program(file, args));
  return programs.at(-1);
}

// A request of another client than the browser, through the edge.
async function ask(base, target, method = 'GET', body = undefined) {
  const response = await fetch(base + target, {
    method,
    headers: body === undefined ? {} : { 'Content-Type': 'application/json', 'Node-RED-API-Version': 'v2' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${target}: ${response.status} ${text}`);
  return { text, cacheStatus: response.headers.get('cache-status') ?? '' };
}

// Deploys as the editor does. Node-RED answers before it starts the flows, and says by the sockets when they run.
async function deployAll(base, socket, flows) {
  const { rev } = JSON.parse((await ask(base, '/flows', 'POST', { flows })).text);
  await socket.frame(rev);
}

const flowsOf = async (base) => JSON.parse((await ask(base, '/flows')).text);

// A web page made of Node-RED's own nodes, which also reports each visit to the editor's debug panel.
const pageSaying = (text) => [
  { id: 'tab', type: 'tab', label: 'Flow 1' },
  { id: 'in', type: 'http in', z: 'tab', url: '/hello', method: 'get', x: 100, y: 200, wires: [['say', 'debug']] },
  { id: 'say', type: 'template', z: 'tab', field: 'payload', template: text, x: 300, y: 200, wires: [['out']] },
  { id: 'out', type: 'http response', z: 'tab', x: 500, y: 200, wires: [] },
  { id: 'debug', type: 'debug', z: 'tab', active: true, tosidebar: true, complete: 'req.url', targetType: 'msg', x: 500,
    y: 260, wires: [] },
];

async function dragToWorkspace(page, type) {
  const node = await page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`).boundingBox();
  const sheet = await page.locator('#red-ui-workspace-chart').boundingBox();
  await page.mouse.move(node.x + node.width / 2, node.y + node.height / 2);
  await page.mouse.down();
  await page.mouse.move(sheet.x + 200, sheet.y + 100, { steps: 10 });
  await page.mouse.up();
  await page.locator('#red-ui-workspace-chart .red-ui-flow-node').first().waitFor();
}

async function pressDeploy(page) {
  const answer = page.waitForResponse((one) => one.request().method() === 'POST' && one.url().endsWith('/flows'));
  await page.locator('#red-ui-header-button-deploy').click();
  return answer;
}

async function editorCases(browser, base) {
  const first = await Visit.begin(browser, base);
  await cases.run('the editor loads without a complaint', async () => {
    await first.open();
    assert.deepEqual(first.complaints, []);
    assert.ok(first.answers.length > 20, `the editor is made of ${first.answers.length} files only`);
    for (const answer of first.answers) assert.match(answer.cacheStatus, /^meridian; /, answer.path);
  });

  await cases.run('its socket connects through the edge', async () => {
    assert.equal(first.sockets.length, 1, `sockets: ${first.sockets.map((one) => one.url)}`);
    assert.equal(first.sockets[0].url, `${base.replace('http', 'ws')}/comms`);
    // The runtime sends its state to whoever subscribes.
    await first.sockets[0].frame('notification/runtime-state');
    assert.equal(first.sockets[0].closed, false);
  });

  const second = await Visit.begin(browser, base);
  await cases.run('a second browser is served mostly from the cache', async () => {
    await second.open();
    assert.deepEqual(second.complaints, []);
    const hits = second.fromCache();
    const bytes = (answers) => answers.reduce((sum, answer) => sum + answer.bytes, 0);
    const share = `${hits.length} of ${second.answers.length} responses, ` +
      `${bytes(hits)} of ${bytes(second.answers)} bytes of known length`;
    console.log(`        from the cache: ${share}`);
    assert.ok(hits.length * 2 > second.answers.length, share);
    for (const answer of second.answers.filter((one) => /^\/(red|vendor|types|icons)\//.test(one.path))) {
      assert.match(answer.cacheStatus, /; hit/, answer.path);
    }
  });

  // It may be stored, as it has an ETag; but Node-RED gives it no lifetime, so each use asks whether it is current.
  await cases.run('what belongs to the moment is asked for each time', async () => {
    for (const path of ['/', '/flows', '/settings', '/nodes']) {
      const answers = second.answers.filter((one) => one.path === path);
      assert.ok(answers.length > 0, `the editor did not ask for ${path}`);
      for (const answer of answers) assert.match(answer.cacheStatus, /; fwd=/, `${path}: ${answer.cacheStatus}`);
    }
  });

  await cases.run('what is deployed in the editor is visible at once', async () => {
    assert.deepEqual((await flowsOf(base)).map((node) => node.type), ['tab']);
    await dragToWorkspace(first.page, 'inject');
    const answer = await pressDeploy(first.page);
    assert.ok(answer.ok(), `${answer.status()}`);
    assert.deepEqual((await flowsOf(base)).map((node) => node.type), ['tab', 'inject']);
    assert.deepEqual(first.complaints, []);
  });

  await cases.run('the other browser hears of it through its socket', async () => {
    await second.sockets[0].frame('notification/runtime-deploy');
    await second.page.reload({ waitUntil: 'networkidle' });
    await second.page.locator('#red-ui-workspace-chart .red-ui-flow-node').first().waitFor();
    assert.deepEqual(second.complaints, []);
  });
  await second.end();

  await cases.run('a page of the app changes with the flow that makes it', async () => {
    for (const text of ['one', 'two', 'three']) {
      await deployAll(base, first.sockets[0], pageSaying(text));
      for (let visit = 0; visit < 3; ++visit) assert.equal((await ask(base, '/app/hello')).text, text);
    }
  });

  await cases.run('a debug message of the flow arrives while the page is open', async () => {
    await first.open();
    await first.page.locator('#red-ui-tab-debug-link-button').click();
    await ask(base, '/app/hello?from=another');
    const frame = await first.sockets.at(-1).frame('from=another');
    assert.match(frame, /"topic":"debug"/);
    await first.page.locator('.red-ui-debug-msg', { hasText: 'from=another' }).waitFor();
    assert.deepEqual(first.complaints, []);
  });
  await first.end();
}

try {
  const nodeRed = start(process.execPath, path.join(here, 'node_red.mjs'), modules, folder);
  const origin = await nodeRed.address('listening on ');
  const edge = start(edgeBinary, '--listen', '127.0.0.1:0', '--origin', `http://${origin}`);
  const base = `http://${await edge.address('listening on ')}`;
  const browser = await chromium.launch({
    executablePath: chromiumBinary,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
      '--disable-background-networking', '--disable-component-update'],
  });
  try {
    await editorCases(browser, base);
  } finally {
    await browser.close();
  }
} catch (error) {
  await cases.run('the programs start', () => {
    throw error;
  });
}
// The edge first: it finishes what it has under way with Node-RED.
for (const program of programs.reverse()) {
  await cases.run(`${path.basename(program.file)} ends as it should`, async () => {
    assert.equal(await program.stop(), 0, program.errors.slice(-20).join('\n'));
  });
}
fs.rmSync(folder, { recursive: true, force: true });
cases.finish();
