import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';

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

/**
 * Boots systemd in namespaces of its own, has it run a driver of this folder, and returns what that says: lines by their
 * first word. Fails where it says anything on stderr, or no line that begins with `last`.
 */
export function bootSystemd(driver: string, last: string, timeoutMs: number): ReadonlyMap<string, string> {
  const scratch = mkdtempSync(join(tmpdir(), 'systemd-'));
  try {
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
        driver,
      ],
      { encoding: 'utf8', timeout: timeoutMs },
    );
    const read = (name: string): string =>
      existsSync(join(scratch, 'said', name)) ? readFileSync(join(scratch, 'said', name), 'utf8') : '';
    const said = new Map(
      read('out')
        .split('\n')
        .map((line) => [line.split(' ')[0] ?? '', line.slice(line.indexOf(' ') + 1)]),
    );
    expect({ status, stderr, err: read('err'), booted: said.has(last) }).toEqual({
      status: 0,
      stderr: '',
      err: '',
      booted: true,
    });
    return said;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
