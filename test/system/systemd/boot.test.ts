import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { file, needs, root } from '../../support/needs.js';

const top = resolve(import.meta.dirname, '../../..');
const namespaces = [
  '--net',
  '--mount',
  '--pid',
  '--mount-proc',
  '--uts',
  '--ipc',
  '--cgroup',
  '--fork',
  '--kill-child',
  '--propagation',
  'private',
];

describe(
  'the units of contrib/systemd, under a systemd that was booted for them',
  needs(root, file('/usr/lib/systemd/systemd')),
  () => {
    const scratch = mkdtempSync(join(tmpdir(), 'systemd-'));
    const said = new Map<string, string>();
    beforeAll(() => {
      mkdirSync(join(scratch, 'said'));
      const { status, stderr } = spawnSync(
        'unshare',
        [
          ...namespaces,
          'bash',
          join(import.meta.dirname, 'boot-systemd.sh'),
          scratch,
          top,
          realpathSync(process.execPath),
        ],
        { encoding: 'utf8', timeout: 100_000 },
      );
      const read = (name: string): string =>
        existsSync(join(scratch, 'said', name)) ? readFileSync(join(scratch, 'said', name), 'utf8') : '';
      for (const line of read('out').split('\n')) said.set(line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1));
      expect({ status, stderr, err: read('err'), booted: said.has('stopped') }).toEqual({
        status: 0,
        stderr: '',
        err: '',
        booted: true,
      });
    }, 120_000);
    afterAll(() => rmSync(scratch, { recursive: true, force: true }));

    it('run a scenario in their sandbox, which holds and leaves nothing behind', () => {
      expect(['start', 'run', 'last', 'metrics', 'nice'].map((key) => said.get(key))).toEqual([
        '0',
        'success 0',
        '1',
        'some',
        '10',
      ]);
    });

    it('leave the root hash of the evidence in the journal', () => {
      expect(said.get('root')).toMatch(/^[0-9a-f]{64}$/);
      expect(said.get('journal')).toBe(said.get('root'));
    });

    it('are started by the timer, and fail with the status of a plan that nobody has approved', () => {
      expect(said.get('timer')).toBe('exit-code 64');
    });

    it('watch: ready when systemd is told so, a drift in the journal, ended in order', () => {
      expect(['watch', 'stopped'].map((key) => said.get(key))).toEqual(['active', 'success']);
      expect(Number(said.get('drift'))).toBeGreaterThan(0);
    });
  },
);
