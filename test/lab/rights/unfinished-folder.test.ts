import { closeSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { VerifyError } from '../../../src/core/model/verify-error.js';
import { openOwnFolder } from '../../../src/system/evidence/folder/own-folder.js';
import { needs, root } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

const dir = scratchFolder('unfinished');
const contentOf = (name: string): readonly string[] => readdirSync(name, { recursive: true, encoding: 'utf8' }).sort();

function callAs(uid: string | undefined): void {
  vi.stubEnv('SUDO_UID', uid);
  vi.stubEnv('SUDO_GID', uid);
}

/** Ends a run in a folder, which has no result. Killed: its lock ends with its descriptor, and it hands nothing over. */
function leave(name: string, how: 'killed' | 'failed'): void {
  const folder = openOwnFolder(name, 'hub-mode');
  mkdirSync(join(folder.path, 'raw'), { mode: 0o700 });
  for (const file of ['plan.json', 'raw/1-0.pcapng']) writeFileSync(join(folder.path, file), file, { mode: 0o600 });
  if (how === 'failed') folder.handOver(true);
  else closeSync(Number(basename(folder.path)));
}

describe('under sudo, the folder of a run without a result', needs(root), () => {
  afterEach(() => void vi.unstubAllEnvs());

  it.each([
    ['killed', 0],
    ['failed', 4321],
  ] as const)('is for the next run of the same caller, and of nobody else, if it was %s', (how, owner) => {
    const name = join(dir, how);
    callAs('4321');
    leave(name, how);
    expect(lstatSync(name).uid).toBe(owner);
    const before = contentOf(name);
    for (const other of ['4322', undefined]) {
      callAs(other);
      expect(() => openOwnFolder(name, 'hub-mode')).toThrow(VerifyError);
      expect(contentOf(name)).toEqual(before);
    }
    callAs('4321');
    const folder = openOwnFolder(name, 'hub-mode');
    expect([readdirSync(name), lstatSync(name).uid]).toEqual([['unfinished'], 0]);
    folder.handOver();
    expect([readdirSync(name), lstatSync(name).uid]).toEqual([[], 4321]);
  });

  it('stays if a folder of root’s is in it', () => {
    const name = join(dir, 'mixed');
    callAs('4321');
    leave(name, 'failed');
    rmSync(join(name, 'raw'), { recursive: true });
    mkdirSync(join(name, 'raw'));
    writeFileSync(join(name, 'raw', '1-0.pcapng'), 'root’s');
    expect(() => openOwnFolder(name, 'hub-mode')).toThrow('the folder is not empty');
    expect(readFileSync(join(name, 'raw', '1-0.pcapng'), 'utf8')).toBe('root’s');
  });
});
