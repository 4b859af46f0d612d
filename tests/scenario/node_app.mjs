// A small web app as people write them with Node's http module: logins by cookie, a live stream, redirects, uploads.
// Prints "listening on HOST:PORT", and a line for what a test waits for.
import crypto from 'node:crypto';
import http from 'node:http';

const people = new Map(); // session -> name
const subscribers = new Set();
const waitingTogether = [];
const asked = new Map(); // path -> how often

const nameOf = (request) => people.get(/session=(\w+)/.exec(request.headers.cookie ?? '')?.[1]);

function text(response, body, fields = {}) {
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(body), ...fields });
  response.end(body);
}

function login(request, response, url) {
  const session = crypto.randomBytes(8).toString('hex');
  people.set(session, url.searchParams.get('name'));
  response.writeHead(303, {
    Location: '/account',
    'Set-Cookie': [`session=${session}; Path=/; HttpOnly`, 'theme=dark; Path=/'],
  });
  response.end();
}

function events(request, response, url) {
  const cacheControl = url.searchParams.get('cache-control');
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    ...(cacheControl ? { 'Cache-Control': cacheControl } : {}),
  });
  response.write('data: welcome\n\n');
  subscribers.add(response);
  response.on('close', () => {
    subscribers.delete(response);
    console.log(`left, ${subscribers.size} remain`);
  });
  console.log(`${subscribers.size} subscribed`);
}

function publish(request, response, url) {
  for (const subscriber of subscribers) subscriber.write(`data: ${url.searchParams.get('text')}\n\n`);
  text(response, `${subscribers.size}`);
}

async function upload(request, response) {
  const hash = crypto.createHash('sha256');
  let bytes = 0;
  for await (const piece of request) {
    if (bytes === 0) console.log('upload begins');
    bytes += piece.length;
    hash.update(piece);
  }
  text(response, JSON.stringify({ bytes, sha256: hash.digest('hex') }));
}

// Two requests are answered when both are there; one that says so is answered alone.
function together(request, response) {
  const answer = () => text(response, `for ${nameOf(request)}`, { 'Cache-Control': 'private' });
  if (request.headers['x-alone']) return answer();
  waitingTogether.push(answer);
  if (waitingTogether.length === 2) for (const say of waitingTogether.splice(0)) say();
}

const routes = {
  'POST /login': login,
  'GET /account': (request, response) => {
    text(response, `account of ${nameOf(request) ?? 'nobody'}`, { 'Cache-Control': 'private' });
  },
  'GET /together': together,
  // An app that forgot Cache-Control: the visitor's own cookie on a page that may be kept by guess.
  'GET /forgetful': (request, response) => {
    text(response, 'a page', {
      'Last-Modified': 'Mon, 01 Jan 2024 00:00:00 GMT',
      'Set-Cookie': `visitor=${crypto.randomBytes(8).toString('hex')}`,
    });
  },
  'GET /style.css': (request, response) => text(response, 'body {}', { 'Cache-Control': 'public, max-age=600' }),
  'GET /events': events,
  'POST /publish': publish,
  'POST /end': (request, response) => {
    for (const subscriber of subscribers) subscriber.end();
    text(response, 'ended');
  },
  'GET /moved': (request, response) => {
    const { address, port } = server.address();
    response.writeHead(302, { Location: `http://${address}:${port}/new?a=1#part`, 'Content-Length': 0 }).end();
  },
  'GET /elsewhere': (request, response) => {
    response.writeHead(302, { Location: 'https://other.example.test/new', 'Content-Length': 0 }).end();
  },
  'GET /hinting': (request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
    text(response, 'hinted');
  },
  'POST /upload': upload,
  'POST /refuse': (request, response) => {
    response.writeHead(413, { Connection: 'close', 'Content-Length': 9 });
    response.end('too large');
  },
  'GET /seen': (request, response) => text(response, JSON.stringify(request.headers), { 'Cache-Control': 'no-store' }),
  'GET /asked': (request, response, url) => {
    text(response, `${asked.get(url.searchParams.get('path')) ?? 0}`, { 'Cache-Control': 'no-store' });
  },
};

const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://app.example.test');
  asked.set(url.pathname, (asked.get(url.pathname) ?? 0) + 1);
  const route = routes[`${request.method} ${url.pathname}`];
  if (route) route(request, response, url);
  else response.writeHead(404, { 'Content-Length': 0 }).end();
});
server.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${server.address().port}`));
process.once('SIGTERM', () => process.exit(0));
