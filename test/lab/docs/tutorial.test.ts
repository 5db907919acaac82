// @module-tag all
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';
import { scratchFolder } from '../../support/scratch.js';

const top = resolve(import.meta.dirname, '../../..');
const scratch = scratchFolder('tutorial');

function type(...words: readonly string[]): { readonly status: number | null; readonly text: string } {
  const { status, stdout } = spawnSync(process.execPath, [join(top, 'dist/cli.cjs'), ...words], {
    cwd: top,
    encoding: 'utf8',
  });
  return { status, text: stdout.replaceAll(/\s+/g, ' ') };
}

/** A line that the tutorial shows, as it stands there. */
function shown(pattern: RegExp): string {
  const tutorial = readFileSync(join(top, 'docs/tutorial.md'), 'utf8').replaceAll(/\s+/g, ' ');
  return pattern.exec(tutorial)?.[0] ?? expect.unreachable(`the tutorial has no ${pattern.source}`);
}

it('the tutorial shows what a run, its fixes and a comparison really print', {
  tags: 'all',
  ...needs(root),
  timeout: patient(300_000),
}, () => {
  const [first, second] = [join(scratch, 'first'), join(scratch, 'second')];
  const run = ['run', 'docs/examples/tutorial.yml', '--quiet'];
  const broken = type(...run, '--prove-fix', '--out', first);
  expect(broken.status).toBe(2);
  expect(broken.text).toContain(shown(/BROKEN: mail.*?ageing_time 0\)/));
  expect(broken.text).toContain(shown(/fix ip link set dev br0 type bridge ageing_time 30000/));
  expect(broken.text).toContain('tried: WORKS');
  expect(type('replay', first, '--verbose').text).toMatch(/WORKS ageing-zero.*CUTS OFF \(.*unknown-flood/);
  expect(type(...run, '--set', 'ageing=300s', '--out', second).status).toBe(0);
  expect(type('diff', first, second).text).toContain(shown(/br0\.ageing_time 0 → 300 s; \d+ leaks ended with it/));
});
