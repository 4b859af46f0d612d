// The demo page: fetches its samples through the edge and shows what the edge said about each.
import { describe, median, readable } from './cache-status.js';

const SAMPLES = [
  { name: 'A picture', path: '/demo/picture.svg' },
  { name: 'Some data', path: '/demo/cities.json' },
  { name: 'A slow page (0.8 s)', path: '/_bytes/4096?delay=800&cache-control=no-store&cdn-cache-control=max-age%3D20' },
  { name: 'One mebibyte', path: '/_bytes/1048576?cache-control=no-store&cdn-cache-control=max-age%3D120' },
  { name: 'Stale while asking', path: '/_bytes/2048?cache-control=no-store&cdn-cache-control=max-age%3D3%2C%20stale-while-revalidate%3D60' },
  { name: 'One copy for each language', path: '/_bytes/3000?cache-control=no-store&cdn-cache-control=max-age%3D8&vary=accept-language' },
  { name: 'Somebody’s private page', path: '/_bytes/1024?cache-control=private' },
  { name: 'The clock', path: '/_echo' },
];

const byId = (id) => document.getElementById(id);
const totals = { fetches: 0, hits: 0, hitTimes: [], originTimes: [] };
const KEPT_TIMES = 200;

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function makeRow(sample) {
  const row = element('tr');
  const name = element('td');
  name.append(element('span', 'name', sample.name), element('span', 'path', sample.path));
  name.lastChild.title = sample.path;
  sample.allowed = element('td', 'allowed');
  sample.badge = element('span', 'badge none', '…');
  const edge = element('td');
  edge.append(sample.badge);
  sample.age = element('td', 'n');
  sample.size = element('td', 'n');
  const time = element('td');
  const bar = element('div', 'bar');
  sample.meter = element('meter');
  sample.ms = element('span', 'n');
  bar.append(sample.meter, sample.ms);
  time.append(bar);
  row.append(name, sample.allowed, edge, sample.age, sample.size, time);
  byId('rows').append(row);
}

async function timed(path) {
  const began = performance.now();
  const response = await fetch(path);
  const bytes = (await response.arrayBuffer()).byteLength;
  return { response, bytes, ms: performance.now() - began };
}

function count(kind, ms) {
  totals.fetches += 1;
  const fromEdge = kind === 'hit' || kind === 'stale';
  totals.hits += fromEdge ? 1 : 0;
  const times = fromEdge ? totals.hitTimes : totals.originTimes;
  times.push(ms);
  if (times.length > KEPT_TIMES) times.shift();
}

async function show(sample) {
  try {
    const { response, bytes, ms } = await timed(sample.path);
    const status = describe(response.headers.get('cache-status'));
    sample.allowed.textContent = response.headers.get('cdn-cache-control') ?? response.headers.get('cache-control') ?? '';
    sample.badge.className = `badge ${status.kind}`;
    sample.badge.textContent = status.label;
    sample.badge.title = response.headers.get('cache-status') ?? 'no Cache-Status: this page does not come through an edge';
    const age = response.headers.get('age');
    sample.age.textContent = age === null ? '' : `${age} s`;
    sample.size.textContent = readable(bytes);
    // Logarithmic, so that a millisecond can be seen beside a second.
    sample.meter.max = 3;
    sample.meter.value = Math.min(Math.log10(1 + ms), 3);
    sample.ms.textContent = `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
    count(status.kind, ms);
  } catch (error) {
    sample.badge.className = 'badge none';
    sample.badge.textContent = 'failed';
    sample.badge.title = String(error);
  }
  showTotals();
}

function showTotals() {
  const ms = (times) => (times.length === 0 ? '–' : `${median(times).toFixed(1)} ms`);
  byId('hits').textContent = `${totals.hits} of ${totals.fetches}`;
  byId('share').textContent = totals.fetches === 0 ? '–' : `${Math.round((100 * totals.hits) / totals.fetches)} %`;
  byId('hit-time').textContent = ms(totals.hitTimes);
  byId('miss-time').textContent = ms(totals.originTimes);
}

let running = false;
async function fetchAll() {
  if (running) return;
  running = true;
  // One after the other, so that the times are those of each resource and not of a queue.
  for (const sample of SAMPLES) await show(sample);
  running = false;
}

// The clock: the Date that the origin gave, and the request as it arrived there.
const SHOWN_FIELDS = ['host', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-request-id', 'via', 'accept-encoding'];
async function tick() {
  try {
    const response = await fetch('/_echo');
    const echo = await response.json();
    byId('clock').textContent = new Date(response.headers.get('date')).toLocaleTimeString('en-GB');
    const list = byId('seen');
    list.replaceChildren();
    for (const [name, value] of [['peer', echo.peer], ...echo.headers]) {
      if (name !== 'peer' && !SHOWN_FIELDS.includes(name.toLowerCase())) continue;
      list.append(element('dt', '', name), element('dd', '', value));
    }
  } catch {
    byId('clock').textContent = 'no answer';
  }
  setTimeout(tick, 1000);
}

const delays = [];
function drawChart() {
  const top = Math.max(20, ...delays) * 1.15;
  const points = delays.map((ms, i) => [(400 * i) / 39, 118 - (110 * ms) / top]);
  if (points.length < 2) return;
  const line = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join(' L');
  byId('chart').innerHTML =
    `<path class="area" d="M${points[0][0]} 120 L${line} L${points.at(-1)[0].toFixed(1)} 120 Z"/><path class="edge" d="M${line}"/>`;
}

function listen() {
  const source = new EventSource('/_sse?interval=500');
  const live = byId('live');
  source.onopen = () => {
    live.className = 'badge hit';
    live.textContent = 'live';
  };
  source.onerror = () => {
    live.className = 'badge stale';
    live.textContent = 'reconnecting';
  };
  source.onmessage = (message) => {
    const { number, time_ms: sent } = JSON.parse(message.data);
    const delay = Math.max(0, Date.now() - sent);
    delays.push(delay);
    if (delays.length > 40) delays.shift();
    const events = byId('events');
    events.prepend(element('li', '', `event ${number}   ${new Date(sent).toISOString().slice(11, 23)}   arrived after ${delay} ms`));
    while (events.children.length > 5) events.lastChild.remove();
    drawChart();
  };
}

for (const sample of SAMPLES) makeRow(sample);
byId('again').addEventListener('click', fetchAll);
let timer = 0;
byId('repeat').addEventListener('change', (event) => {
  clearInterval(timer);
  if (event.target.checked) timer = setInterval(fetchAll, 2000);
});
await fetchAll();
tick();
listen();
