// Runs named cases one after another and counts them, as tests/run reads it.
export class Cases {
  passed = 0;
  failed = 0;

  async run(name, body) {
    try {
      await body();
      this.passed += 1;
      console.log(`ok      ${name}`);
    } catch (error) {
      this.failed += 1;
      console.log(`FAILED  ${name}\n${error.stack ?? error}`);
    }
  }

  // The last line of the output; the exit status says the same.
  finish() {
    console.log(`${this.passed} passed, ${this.failed} failed, 0 skipped`);
    process.exitCode = this.failed || !this.passed ? 1 : 0;
  }
}
