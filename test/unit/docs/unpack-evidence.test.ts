import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';

const script = resolve('contrib/ansible/roles/verify_isolation/files/unpack-evidence.sh');
const top = mkdtempSync(join(tmpdir(), 'unpack-'));
const from = join(top, 'from');
const into = join(top, 'into');
const archive = join(top, 'run.tar.gz');
afterAll(() => rmSync(top, { recursive: true, force: true }));
beforeEach(() => {
  for (const dir of [from, into]) {
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir);
  }
  mkdirSync(join(from, 'run', 'state'), { recursive: true });
  writeFileSync(join(from, 'run', 'run.json'), '{}\n');
});

function pack(...args: readonly string[]): void {
  const { status, stderr } = spawnSync(
    'tar',
    ['--create', '--gzip', '--absolute-names', '--file', archive, '--directory', from, ...args],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(stderr);
}
const unpack = (env: Readonly<Record<string, string>> = {}) =>
  spawnSync('sh', [script, archive, into], { encoding: 'utf8', env: { ...process.env, ...env } });

describe('evidence that came back packed', () => {
  it('is unpacked where it holds files and folders alone', () => {
    pack('run');
    expect(unpack()).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(join(into, 'run', 'run.json'), 'utf8')).toBe('{}\n');
  });

  const harms: Readonly<Record<string, readonly [harm: () => void, says: RegExp]>> = {
    'a symbolic link': [
      () => {
        symlinkSync('/etc', join(from, 'run', 'etc'));
        pack('run');
      },
      /neither a file nor a folder/,
    ],
    'a hard link': [
      () => {
        spawnSync('ln', [join(from, 'run', 'run.json'), join(from, 'run', 'twin')]);
        pack('run');
      },
      /neither a file nor a folder/,
    ],
    'a fifo': [
      () => {
        spawnSync('mkfifo', [join(from, 'run', 'fifo')]);
        pack('run');
      },
      /neither a file nor a folder/,
    ],
    'an absolute name': [() => pack(join(from, 'run', 'run.json')), /not below run/],
    'a way up': [() => pack('--transform', 's,run/run.json,run/../../evil,', 'run'), /a way up/],
    'a name that is not run': [() => pack('--transform', 's,^run,other,', 'run'), /not below run/],
    'a line end in a name': [
      () => {
        writeFileSync(join(from, 'run', 'a\n-rw 0 1 2026-01-01 00:00 run'), 'x');
        symlinkSync('/etc', join(from, 'run', 'z'));
        pack('run');
      },
      /neither a file nor a folder/,
    ],
    nothing: [() => pack('--files-from', '/dev/null'), /nothing in it/],
  };
  it.each(Object.entries(harms))('is not unpacked where it holds %s', (_, [harm, says]) => {
    harm();
    const { status, stderr } = unpack();
    expect({ status, told: says.test(stderr) }, stderr).toEqual({ status: 1, told: true });
    expect([existsSync(join(into, 'run')), existsSync(join(top, 'evil'))]).toEqual([false, false]);
  });

  it.each([
    ['files', { MAX_FILES: '2' }],
    ['bytes', { MAX_BYTES: '2' }],
  ])('is not unpacked where there are too many %s', (what, env) => {
    pack('run');
    expect(unpack(env)).toMatchObject({ status: 1, stderr: expect.stringContaining(what) as string });
    expect(existsSync(join(into, 'run'))).toBe(false);
  });
});
