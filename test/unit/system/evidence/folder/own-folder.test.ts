import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';
import { namingFolder, openOwnFolder } from '../../../../../src/system/evidence/folder/own-folder.js';
import { scratchFolder } from '../../../../support/scratch.js';

it('an error about a folder that is named by its descriptor has the name that people gave, in what to do as well', () => {
  const folder = { path: '/proc/self/fd/19', name: 'evidence/one' };
  const error = new VerifyError(
    'evidence-unreadable',
    64,
    '/proc/self/fd/19: no run',
    'name a run in /proc/self/fd/19',
  );
  expect(namingFolder(folder, error)).toMatchObject({
    code: 'evidence-unreadable',
    exitCode: 64,
    message: 'evidence/one: no run',
    hint: 'name a run in evidence/one',
  });
  const fault = new Error('/proc/self/fd/19');
  expect(namingFolder(folder, fault)).toBe(fault);
});

const dir = scratchFolder('own-folder');
let made = 0;
const nextName = (): string => join(dir, String((made += 1)));
const contentOf = (name: string): readonly string[] => readdirSync(name, { recursive: true, encoding: 'utf8' }).sort();
const notEmpty = 'the folder is not empty';

beforeEach(() => {
  vi.stubEnv('SUDO_UID', undefined);
  return () => void vi.unstubAllEnvs();
});

/** Begins a run that has written files of each kind. */
function begun(name: string, scenario = 'hub-mode') {
  const folder = openOwnFolder(name, scenario);
  for (const each of ['raw', 'state']) mkdirSync(join(folder.path, each), { mode: 0o700 });
  writeFileSync(join(folder.path, 'raw', '1-0.pcapng'), 'frames');
  writeFileSync(join(folder.path, 'state', '1-during-2.json.part'), '{');
  writeFileSync(join(folder.path, 'plan.json'), '{}');
  writeFileSync(join(folder.path, 'result.json.part'), '{');
  return folder;
}

/** As a run leaves its folder that was killed: its lock ends with its descriptor, and it hands nothing over. */
function killed(name = nextName(), scenario = 'hub-mode'): string {
  closeSync(Number(basename(begun(name, scenario).path)));
  return name;
}

/** As a run leaves its folder that could not go on. */
function failed(name = nextName()): string {
  begun(name).handOver(true);
  return name;
}

describe('a folder of a run that ended without a result', () => {
  it.each([
    ['was killed', killed],
    ['failed', failed],
  ])('is the next run’s of the same scenario if it %s, empty but for its claim', (_, leave) => {
    const name = leave();
    const folder = openOwnFolder(name, 'hub-mode');
    expect(readdirSync(name)).toEqual(['unfinished']);
    writeFileSync(join(folder.path, 'result.json'), '{}');
    folder.handOver();
    expect(readdirSync(name)).toEqual(['result.json']);
    expect(() => openOwnFolder(name, 'hub-mode')).toThrow(notEmpty);
  });

  const claim = (name: string, index: number, value: unknown): void => {
    const parts: unknown[] = JSON.parse(readFileSync(join(name, 'unfinished'), 'utf8'));
    parts[index] = value;
    writeFileSync(join(name, 'unfinished'), `${JSON.stringify(parts)}\n`);
  };
  it.each<readonly [string, (name: string) => void]>([
    ['a result', (name) => writeFileSync(join(name, 'result.json'), '{}')],
    ['a file of its owner’s', (name) => writeFileSync(join(name, 'notes.txt'), '')],
    ['a file of its owner’s further below', (name) => writeFileSync(join(name, 'raw', 'notes.txt'), '')],
    ['a folder that no run makes', (name) => mkdirSync(join(name, 'constructor'))],
    ['a folder by the name of a file', (name) => mkdirSync(join(name, 'raw', '2-0.pcapng'))],
    ['a report', (name) => writeFileSync(join(name, 'report.html'), '')],
    ['a custody log', (name) => writeFileSync(join(name, 'custody.ndjson'), '')],
    ['no claim', (name) => rmSync(join(name, 'unfinished'))],
    ['a part of a claim', (name) => writeFileSync(join(name, 'unfinished'), '["hub-mode"')],
    ['the claim of another scenario', (name) => claim(name, 0, 'switch-mode')],
    ['the claim of another user', (name) => claim(name, 1, 4322)],
    ['a claim since another start of the kernel', (name) => claim(name, 2, '0')],
    ['rights of others', (name) => chmodSync(name, 0o755)],
    ['a link by the name of a file', (name) => symlinkSync('plan.json', join(name, 'run.json'))],
    [
      'a claim that is a link',
      (name) => {
        writeFileSync(join(dir, 'claim'), readFileSync(join(name, 'unfinished')));
        rmSync(join(name, 'unfinished'));
        symlinkSync(join(dir, 'claim'), join(name, 'unfinished'));
      },
    ],
    [
      'a link to another folder',
      (name) => {
        mkdirSync(join(dir, 'elsewhere'));
        writeFileSync(join(dir, 'elsewhere', '1-0.pcapng'), 'kept');
        rmSync(join(name, 'raw'), { recursive: true });
        symlinkSync(join(dir, 'elsewhere'), join(name, 'raw'));
      },
    ],
  ])('stays as it is with %s', (_, change) => {
    const name = failed();
    change(name);
    const before = [contentOf(name), lstatSync(name).mode];
    expect(() => openOwnFolder(name, 'hub-mode')).toThrow(notEmpty);
    expect([contentOf(name), lstatSync(name).mode]).toEqual(before);
    expect(() => openOwnFolder(name)).toThrow(notEmpty);
  });

  it('stays as it is while the run goes on, also in another process', async () => {
    const name = nextName();
    const folder = begun(name);
    const before = contentOf(name);
    expect(() => openOwnFolder(name, 'hub-mode')).toThrow(notEmpty);
    folder.handOver(true);
    const holder = spawn('flock', ['--nonblock', '--no-fork', name, 'sh', '-c', 'echo locked; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(holder.stdout, 'data');
      expect(() => openOwnFolder(name, 'hub-mode')).toThrow(notEmpty);
      expect(contentOf(name)).toEqual(before);
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'close');
    }
    openOwnFolder(name, 'hub-mode').handOver();
    expect(readdirSync(name)).toEqual([]);
  });

  it('stays as it is where the run could take no lock', async () => {
    const name = nextName();
    mkdirSync(name, { mode: 0o700 });
    const holder = spawn('flock', ['--nonblock', '--no-fork', name, 'sh', '-c', 'echo locked; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(holder.stdout, 'data');
      begun(name).handOver(true);
    } finally {
      holder.kill('SIGKILL');
      await once(holder, 'close');
    }
    expect(readFileSync(join(name, 'unfinished'), 'utf8')).toBe('');
    const before = contentOf(name);
    expect(() => openOwnFolder(name, 'hub-mode')).toThrow(notEmpty);
    expect(contentOf(name)).toEqual(before);
  });
});

it('an empty folder takes one run of two that begin at once', () => {
  const name = nextName();
  const first = openOwnFolder(name, 'hub-mode');
  expect(() => openOwnFolder(name, 'switch-mode')).toThrow(notEmpty);
  first.handOver(true);
  expect(existsSync(join(name, 'unfinished'))).toBe(false); // it has begun nothing: any run may have it
  openOwnFolder(name, 'switch-mode').handOver();
});
