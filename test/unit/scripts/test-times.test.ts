import { describe, expect, it } from 'vitest';
import { readUsage, type TimedRun, timesOf } from '../../../scripts/test-times.mjs';

/** A run whose files took these seconds one after another, and half of them of a processor. */
function run(
  title: string,
  files: Readonly<Record<string, number>>,
  tests: Readonly<Record<string, number>> = {},
): TimedRun {
  let now = 1000;
  const usage = Object.entries(files).map(([file, seconds]) => ({
    file: `test/${file}`,
    start: now,
    end: (now += seconds * 1000),
    processorMs: seconds * 500,
  }));
  return {
    title,
    wallMs: now,
    processorMs: now / 2,
    usage,
    tests: Object.entries(tests).map(([name, seconds]) => ({ file: 'test/lab/a.test.ts', name, ms: seconds * 1000 })),
  };
}

describe('the times of runs', () => {
  it('are those of each run and its projects, of the slowest files and of the slowest tests', () => {
    const files = { 'lab/a.test.ts': 2, 'unit/b.test.ts': 1, 'lab/c.test.ts': 4 };
    expect(timesOf([run('npm test', files, { quick: 0.5, slow: 1.5 })])).toEqual([
      '',
      'Wall and processor time',
      '     8.0 s     4.0 s  npm test',
      '     7.0 s     3.0 s    lab: 2 files',
      '     1.0 s     0.5 s    unit: 1 file',
      '',
      'The 20 slowest files: wall and processor time',
      '     4.0 s     2.0 s  test/lab/c.test.ts',
      '     2.0 s     1.0 s  test/lab/a.test.ts',
      '     1.0 s     0.5 s  test/unit/b.test.ts',
      '',
      'The 20 slowest tests: wall time',
      '     1.5 s  test/lab/a.test.ts > slow',
      '     0.5 s  test/lab/a.test.ts > quick',
    ]);
  });

  it('name the run where there are several', () => {
    const lines = timesOf([run('as root', { 'lab/a.test.ts': 2 }), run('as nobody', { 'lab/a.test.ts': 3 })]);
    expect(lines.filter((line) => line.includes('a.test.ts'))).toEqual([
      '     3.0 s     1.5 s  test/lab/a.test.ts (as nobody)',
      '     2.0 s     1.0 s  test/lab/a.test.ts (as root)',
    ]);
  });

  it('list 20 files and tests, and none that took less than 0.1 s', () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`lab/${at}.test.ts`, at + 1]));
    const lines = timesOf([run('npm test', many, { instant: 0.05 })]);
    expect(lines.filter((line) => line.includes('test/lab/'))).toHaveLength(20);
    expect(lines.join()).toContain('test/lab/29.test.ts');
    expect(lines.join()).not.toContain('instant');
  });

  it('are read from a line for each file', () => {
    const [usage] = readUsage('{"file":"/checkout/test/a","start":1,"end":5,"processorMs":10}\n', '/checkout');
    expect(usage).toEqual({ file: 'test/a', start: 1, end: 5, processorMs: 10 });
  });
});
