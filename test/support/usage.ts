import { appendFileSync, readFileSync } from 'node:fs';
import { afterAll, expect } from 'vitest';

// A setup file: runs before each file of tests, in a process that files share. Where VERIFY_ISOLATION_USAGE names a file,
// it appends a line for each file of tests: its time, and the processor time of this process and of ended children.
const record = process.env['VERIFY_ISOLATION_USAGE'];

/** proc_pid_stat(5): fields 14 to 17, in ticks of 10 ms. */
function processorMs(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const ticks = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15);
  return 10 * ticks.reduce((sum, text) => sum + Number(text), 0);
}

if (record !== undefined) {
  const [start, before] = [Date.now(), processorMs()];
  afterAll(() => {
    const usage = { file: expect.getState().testPath, start, end: Date.now(), processorMs: processorMs() - before };
    appendFileSync(record, `${JSON.stringify(usage)}\n`);
  });
}
