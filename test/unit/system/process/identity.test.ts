import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  evidenceOwner,
  isForEverybody,
  isRootHere,
  systemUserIn,
  unusedIdentity,
} from '../../../../src/system/process/identity.js';

describe('systemUserIn', () => {
  const root = 'root:x:0:0:root:/root:/bin/bash';
  it('finds the user that the package made, and takes no user of root’s number, nor one that is no user', () => {
    expect(systemUserIn(`${root}\nverify-isolation:x:996:995::/:/usr/sbin/nologin\n`)).toEqual({ uid: 996, gid: 995 });
    for (const passwd of [
      root,
      '',
      'verify-isolation:x:0:0::/:/bin/sh',
      'verify-isolation:x:996:0::/:/bin/sh',
      'verify-isolation',
      'verify-isolation:x:-1:5::',
      'verify-isolation:x:4294967295:5::',
      'xverify-isolation:x:996:995::/:/bin/sh',
    ])
      expect(systemUserIn(passwd)).toBeNull();
  });
});

describe('unusedIdentity', () => {
  it('is beyond every account, and none that a process has', () => {
    const numbers = [5, 5, 9];
    const draw = (): number => numbers.shift() ?? 0;
    const first = unusedIdentity(new Set(), () => 5);
    expect(first).toEqual({ uid: 1_879_048_197, gid: 1_879_048_197 });
    expect(unusedIdentity(new Set([0, 65_534, first.uid]), draw)).toEqual({ uid: 1_879_048_201, gid: 1_879_048_201 });
    expect(unusedIdentity(new Set(), (below) => below - 1).uid).toBeLessThan(2 ** 31 - 1);
  });
});

describe('evidenceOwner', () => {
  it('is the caller of sudo, and nobody where that is root or no user', () => {
    expect(evidenceOwner({ SUDO_UID: '1000', SUDO_GID: '1001' })).toEqual(
      isRootHere() ? { uid: 1000, gid: 1001 } : null,
    );
    for (const environment of [
      {},
      { SUDO_UID: '0', SUDO_GID: '0' },
      { SUDO_UID: 'x' },
      { SUDO_UID: '-1' },
      { SUDO_UID: '1.5' },
    ])
      expect(evidenceOwner(environment)).toBeNull();
  });
});

describe('isForEverybody', () => {
  it('asks for the file and every folder above it', () => {
    const dir = mkdtempSync(join(tmpdir(), 'everybody-'));
    try {
      mkdirSync(join(dir, 'a'));
      const file = join(dir, 'a', 'file');
      writeFileSync(file, '');
      const with_ = (folder: number, mode: number): boolean => {
        chmodSync(dir, folder);
        chmodSync(file, mode);
        return isForEverybody(file);
      };
      expect([with_(0o711, 0o644), with_(0o700, 0o644), with_(0o755, 0o640)]).toEqual([true, false, false]);
      expect(isForEverybody(join(dir, 'a', 'nothing'))).toBe(false);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
