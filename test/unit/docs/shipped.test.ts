import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { prometheusReport, watchMetrics } from '../../../src/report/machine/prometheus.js';
import { experiment } from '../../support/report/fixture.js';
import { textOf, top } from '../../support/documents.js';
import { scratchFolder } from '../../support/scratch.js';

const scratch = scratchFolder('shipped');

function run(...argv: readonly string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const [program = '', ...args] = argv;
  return spawnSync(program, args, {
    cwd: top,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '100' },
  });
}

const metrics = watchMetrics({
  readAt: new Date(0),
  bridges: [{ name: 'br0', promiscuity: 1 }],
  open: [],
  driftCounts: { 'mac-moved': 2 },
  counts: { reads: 1, failures: 0, events: 2, overruns: 0 },
});

describe('alert rules for Prometheus', () => {
  it('ask for metrics that a run or a watch writes', () => {
    const ran = prometheusReport([{ result: experiment, dir: null, details: null }], { width: 80, color: false });
    const text = textOf('contrib/prometheus/verify-isolation.rules.yml');
    const { groups }: { readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[] } =
      parse(text);
    const asked = groups.flatMap(({ rules }) => rules.flatMap(({ expr }) => expr.match(/verify_isolation_\w+/g) ?? []));
    expect(asked.length).toBeGreaterThan(3);
    expect(asked.filter((name) => !`${metrics}${ran}`.includes(`\n${name}`))).toEqual([]);
  });
});

describe('the service for systemd', () => {
  it('starts a watch with options that there are', () => {
    const command = /^ExecStart=\S+ (.+)$/m.exec(textOf('contrib/systemd/verify-isolation-watch.service'))?.[1] ?? '';
    const { stdout } = run(process.execPath, 'dist/cli.cjs', 'watch', '--help');
    expect(command).toMatch(/^watch /);
    expect((command.match(/--[a-z-]+/g) ?? []).filter((option) => !stdout.includes(option))).toEqual([]);
  });
});

describe('the man pages', () => {
  const folder = join(scratch, 'man');

  beforeAll(() => {
    const { status, stderr } = run(process.execPath, 'scripts/man.mjs', folder);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('are there for every command that --help lists, with every option of it', () => {
    const help = run(process.execPath, 'dist/cli.cjs', '--help').stdout;
    const names = [...help.matchAll(/^ {2}verify-isolation (\S+)/gm)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'completion');
    expect(names.length).toBeGreaterThan(10);
    expect(readdirSync(folder).sort()).toEqual(
      ['verify-isolation.1', ...names.map((name) => `verify-isolation-${name}.1`)].sort(),
    );
    for (const name of ['run', 'audit', 'watch']) {
      const { stdout } = run(process.execPath, 'dist/cli.cjs', name, '--help', '--all');
      const options = [...stdout.matchAll(/^ {2,8}--([a-z-]+)(?!.*with --help)/gm)]
        .map(([, option = '']) => option)
        .filter((option) => !['help', 'version'].includes(option));
      expect(options.length).toBeGreaterThan(3);
      const page = readFileSync(join(folder, `verify-isolation-${name}.1`), 'utf8');
      expect(options.filter((option) => !page.includes(`\\fB\\-\\-${option.replaceAll('-', '\\-')}\\fR`))).toEqual([]);
    }
  });

  it('are part of the package', () => {
    const manifest: { readonly man?: readonly string[]; readonly files?: readonly string[] } = JSON.parse(
      textOf('package.json'),
    );
    // npm does not expand `directories.man` of an installed tarball: only this list puts pages into share/man
    expect(manifest.man?.toSorted()).toEqual(
      readdirSync(folder)
        .sort()
        .map((page) => `dist/man/${page}`),
    );
    expect(manifest.files).toContain('dist');
  });
});

describe('evidence that came back packed', () => {
  const script = join(top, 'contrib/ansible/roles/verify_isolation/files/unpack-evidence.sh');
  const from = join(scratch, 'from');
  const into = join(scratch, 'into');
  const archive = join(scratch, 'run.tar.gz');
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
    expect([existsSync(join(into, 'run')), existsSync(join(scratch, 'evil'))]).toEqual([false, false]);
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
