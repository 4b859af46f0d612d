// Programs that a test starts: waited for by what they print, stopped by their own handle.
import { spawn } from 'node:child_process';
import readline from 'node:readline';

// How long anything may take before a test fails instead of hanging. Generous: it is no measurement.
export const patienceMs = 120_000;

// Rejects when the promise takes longer than patience; says what was awaited.
export function inTime(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), patienceMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export class Program {
  constructor(file, args) {
    this.file = file;
    this.lines = [];
    this.errors = [];
    this.waiting = [];
    this.child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => resolve(String(error)));
      this.child.once('close', (code, signal) => resolve(signal ?? code));
    });
    readline.createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.lines.push(line);
      for (const look of this.waiting) look();
    });
    readline.createInterface({ input: this.child.stderr }).on('line', (line) => this.errors.push(line));
  }

  // The "HOST:PORT" that the program prints after these words.
  address(words) {
    const found = new Promise((resolve, reject) => {
      const look = () => {
        const line = this.lines.find((one) => one.includes(words));
        if (line) resolve(line.slice(line.indexOf(words) + words.length).trim());
      };
      this.waiting.push(look);
      look();
      this.ended.then((how) => reject(new Error(`${this.file} ended (${how}): ${this.errors.join('\n')}`)));
    });
    return inTime(found, `"${words}" from ${this.file}`);
  }

  // Returns the exit status.
  async stop() {
    this.child.kill('SIGTERM');
    try {
      return await inTime(this.ended, `the end of ${this.file}`);
    } catch (error) {
      this.child.kill('SIGKILL');
      throw error;
    }
  }
}
