import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { outdatedRuns } from '../../../../../src/cli/commands/evidence/prune.js';
import { callHere } from '../../../../support/call-here.js';
import { scratchFolder } from '../../../../support/scratch.js';

const now = Date.UTC(2026, 10, 30);

describe('outdatedRuns', () => {
  it('gives what began before, oldest first, but for the newest of each scenario', () => {
    expect(
      outdatedRuns(
        [
          'host-br0-20261129-030000-00000001',
          'host-br0-20260901-030000-00000002',
          'host-br0-20260802-030000-00000003',
          'once-20250101-000000-00000004',
        ],
        now - 30 * 86_400_000,
      ),
    ).toEqual(['host-br0-20260802-030000-00000003', 'host-br0-20260901-030000-00000002']);
  });

  it.each(['evidence', 'host-br0-20260802-030000', '20260802-030000-00000003', 'mine-20260802-030000-0000000G'])(
    'leaves %s, which no run has named',
    (name) => {
      expect(outdatedRuns([name, 'x-20260101-000000-00000001'], now)).toEqual([]);
    },
  );
});

describe('prune', () => {
  const folder = scratchFolder('verify-isolation-prune');
  const prune = (...words: readonly string[]) => callHere('prune', ...words);
  const make = (name: string, file = 'run.json'): void => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, file), '{}');
  };

  it('removes old runs, and neither what is no evidence nor what a link leads to', async () => {
    const old = 'a-20200101-000000-00000000';
    const newer = 'a-20200102-000000-00000001';
    const other = 'b-20200103-000000-00000002';
    const link = 'c-20200104-000000-00000003';
    make(old);
    make(newer);
    make(other, 'notes.txt');
    make(`b-20200109-000000-00000009`, 'notes.txt');
    const refused = 'a-20300101-000000-00000005';
    mkdirSync(join(folder, refused, 'scenario'), { recursive: true });
    const refusedOld = 'a-20200101-000000-00000006';
    mkdirSync(join(folder, refusedOld, 'scenario'), { recursive: true });
    symlinkSync('/etc', join(folder, link));
    expect((await prune(folder, '--keep', '30d', '--dry-run')).stdout).toBe(
      `would remove ${join(folder, old)}\nwould remove ${join(folder, refusedOld)}\n`,
    );
    expect(existsSync(join(folder, old))).toBe(true);
    const { status, stdout, stderr } = await prune(folder, '--keep', '30d');
    expect([status, stdout, stderr]).toEqual([
      0,
      `removed ${join(folder, old)}\nremoved ${join(folder, refusedOld)}\n`,
      'removed 2 runs older than 30 days, kept 2\n',
    ]);
    expect(readdirSync(folder).sort()).toEqual([newer, other, 'b-20200109-000000-00000009', link, refused].sort());
  });

  it('refuses days that are none, and a folder that others may write to', async () => {
    for (const days of ['0d', '1h']) expect((await prune(folder, '--keep', days)).status).toBe(64);
    const open = join(folder, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    expect((await prune(open, '--keep', '1d')).stderr).toMatch(/others may write to it/);
  });
});
