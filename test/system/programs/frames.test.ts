import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { needs, program } from '../../support/needs.js';

const top = resolve(import.meta.dirname, '../../..');

it('docs/frames.md has the frames that the program sends, as tcpdump reads them', needs(program('tcpdump')), () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/frames.mjs'], {
    cwd: top,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout === readFileSync(join(top, 'docs/frames.md'), 'utf8'), 'node scripts/frames.mjs --write').toBe(true);
});
