import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { junitReport } from '../../../src/report/machine/junit.js';
import { prometheusReport } from '../../../src/report/machine/prometheus.js';
import { markdownReport } from '../../../src/report/markdown.js';
import { experiment, findings, result, step } from '../../support/report/fixture.js';
import { type Missing, needs, program } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

// Programs of others that read such reports, from Debian's packages; scripts/set-up.sh installs them for the tests.
const loads = (command: string, what: string): Missing =>
  spawnSync('sh', ['-c', command]).status === 0 ? null : `${what} is not installed`;
const scratch = scratchFolder('consumers');

const view = { width: 80, color: false };
const hostile = 'x"<b>|\\`@a\n::error::\u001b[31m%0A, :\'=;';
const broken = result(
  [
    step(hostile, {
      verdict: 'broken',
      asExpected: false,
      findings: findings('kali2', 'lan', 'raw', { lan: 100, kali3: 7 }),
    }),
    step('deaf', {
      verdict: 'inconclusive',
      asExpected: false,
      reasons: [{ code: 'control-missing', observer: 'kali3', text: 'deaf | 50 %' }],
    }),
    step('fine', {}),
  ],
  { exitCode: 2, asExpected: false },
);
const run = (judged: typeof experiment): { result: typeof experiment; dir: null; details: null } => ({
  result: judged,
  dir: null,
  details: null,
});
const feed = (
  input: string,
  program: string,
  ...args: readonly string[]
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } =>
  spawnSync(program, args, { input, encoding: 'utf8' });

describe(
  'junit, read by junitparser',
  needs(loads('/usr/bin/python3 -c "import junitparser"', 'python3-junitparser')),
  () => {
    const count =
      'import sys, junitparser as j; x = j.JUnitXml.fromstring(sys.stdin.buffer.read()); print([(s.name, s.tests, s.failures, s.errors, s.skipped, [[type(r).__name__ for r in c.result] for c in s]) for s in x])';

    it('has a failure, an error and a passed case, and nothing skipped', () => {
      const { status, stdout, stderr } = feed(junitReport([run(broken)], view), '/usr/bin/python3', '-c', count);
      expect({ status, stderr, stdout }).toEqual({
        status: 0,
        stderr: '',
        stdout: "[('wireshark-experiment', 3, 1, 1, 0, [['Failure'], ['Error'], []])]\n",
      });
    });

    it.each([
      ['fails', broken, 1],
      ['passes', experiment, 0],
    ] as const)('%s as a gate of a pipeline', (_, result, status) => {
      const file = join(scratch, `${status}.xml`);
      writeFileSync(file, junitReport([run(result), run(experiment)], view));
      expect(spawnSync('junitparser', ['verify', file]).status).toBe(status);
    });
  },
);

describe('markdown, rendered by cmark-gfm', needs(program('cmark-gfm')), () => {
  const html = feed(
    markdownReport([run(broken)], view),
    'cmark-gfm',
    '--extension',
    'table',
    '--extension',
    'autolink',
  ).stdout;

  it('is a heading, a table with a row for each step, and lists', () => {
    expect([...html.matchAll(/<h2>/g)].length).toBe(1);
    expect([...html.matchAll(/<tr>/g)].length).toBe(1 + broken.steps.length);
    expect([...html.matchAll(/<th[ >]/g)].length).toBe(7);
    expect([...html.matchAll(/<td[ >]/g)].length).toBe(7 * broken.steps.length);
    expect([...html.matchAll(/<li>/g)].length).toBe(5);
  });

  it('makes of a hostile name the text that it is, and nothing else', () => {
    expect(html).toContain('x&quot;&lt;b&gt;|\\u{5c}`@a'.replace('\\u{5c}', '\\'));
    expect(html).not.toMatch(/<(?!\/?(h2|table|thead|tbody|tr|th|td|ul|li|p|strong)\b)/);
  });
});

describe('prometheus, read by promtool', needs(program('promtool')), () => {
  it('finds no fault with the metrics of two runs', () => {
    const { status, stdout, stderr } = feed(
      prometheusReport([run(broken), run(experiment)], view),
      'promtool',
      'check',
      'metrics',
    );
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});
