import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { needs, program } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

const folder = new URL('../../../contrib/systemd/', import.meta.url);
const units = readdirSync(folder).filter((file) => /\.(service|timer)$/.test(file));

/** The units, with a program that is there. */
const scratch = scratchFolder('units');
for (const unit of units)
  writeFileSync(
    join(scratch, unit),
    readFileSync(new URL(unit, folder), 'utf8').replaceAll('/usr/local/bin/verify-isolation', '/bin/true'),
  );

describe('units for systemd', needs(program('systemd-analyze')), () => {
  it('are understood by it, every line', () => {
    const { status, stderr } = spawnSync(
      'systemd-analyze',
      ['verify', '--man=no', ...units.map((unit) => join(scratch, unit))],
      { encoding: 'utf8' },
    );
    expect([status, stderr]).toEqual([0, '']);
  });

  it.each([
    ['verify-isolation-watch.service', 2.4],
    ['verify-isolation-run@.service', 3.4],
  ])('keep %s in a sandbox: exposed %f at most', (unit, most) => {
    const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', join(scratch, unit)], {
      encoding: 'utf8',
    });
    expect(Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThanOrEqual(most);
  });
});
