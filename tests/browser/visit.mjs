// One visit of the editor by a browser that has never been there: everything that it asked for and complained about.
import { inTime, patienceMs } from './processes.mjs';

export class Visit {
  static async begin(browser, base) {
    const visit = new Visit();
    visit.base = base;
    visit.context = await browser.newContext();
    visit.page = await visit.context.newPage();
    visit.page.setDefaultTimeout(patienceMs);
    visit.complaints = [];
    visit.answers = [];
    visit.sockets = [];
    visit.page.on('console', (message) => {
      if (message.type() === 'error') visit.complaints.push(`console: ${message.text()} (${message.location().url})`);
    });
    visit.page.on('pageerror', (error) => visit.complaints.push(`thrown: ${error.stack}`));
    visit.page.on('requestfailed', (request) => {
      visit.complaints.push(`failed: ${request.url()}: ${request.failure()?.errorText}`);
    });
    visit.page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.protocol !== 'data:' && url.protocol !== 'blob:' && url.origin !== base) {
        visit.complaints.push(`asked elsewhere: ${url}`);
      }
    });
    visit.page.on('response', (response) => visit.note(response));
    visit.page.on('websocket', (socket) => visit.sockets.push(new Socket(socket)));
    return visit;
  }

  note(response) {
    const url = new URL(response.url());
    if (url.origin !== this.base) return;
    if (response.status() >= 400) this.complaints.push(`${response.status()} ${url}`);
    this.answers.push({
      path: url.pathname,
      status: response.status(),
      cacheStatus: response.headers()['cache-status'] ?? '',
      bytes: Number(response.headers()['content-length'] ?? 0),
    });
  }

  // Opens the editor and waits until its nodes can be used, its socket is open and nothing is loading any more.
  async open() {
    await this.page.goto(this.base, { waitUntil: 'networkidle' });
    await this.page.locator('.red-ui-palette-node[data-palette-type="inject"]').waitFor();
    await this.page.locator('#red-ui-header-button-deploy').waitFor();
    await this.page.locator('#red-ui-loading-progress').waitFor({ state: 'hidden' });
  }

  fromCache() {
    return this.answers.filter((answer) => /; hit(;|$)/.test(answer.cacheStatus));
  }

  end() {
    return this.context.close();
  }
}

// A WebSocket of the page with the frames that it received.
class Socket {
  constructor(socket) {
    this.url = socket.url();
    this.closed = false;
    this.frames = [];
    this.waiting = new Set();
    socket.on('close', () => (this.closed = true));
    socket.on('framereceived', ({ payload }) => {
      this.frames.push(String(payload));
      for (const look of this.waiting) look();
    });
  }

  // Waits for a frame that contains the text.
  frame(text) {
    const found = new Promise((resolve) => {
      const look = () => {
        const frame = this.frames.find((one) => one.includes(text));
        if (frame === undefined) return;
        this.waiting.delete(look);
        resolve(frame);
      };
      this.waiting.add(look);
      look();
    });
    return inTime(found, `a WebSocket frame with ${text}`);
  }
}
