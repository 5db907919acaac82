import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, copyFileSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { lockingDaemon } from '../../../src/system/process/socket-holders.js';
import { file, needs, root } from '../../support/needs.js';

const python = '/usr/bin/python3';
const lock = `
import fcntl, os, sys
held = open(sys.argv[1], 'r+')
if sys.argv[2] == 'locks': fcntl.lockf(held, fcntl.LOCK_EX)
os.write(1, b'ready')
sys.stdin.read()`;

describe('the daemon of a pid file', needs(root, file(python)), () => {
  const dir = mkdtempSync(join(tmpdir(), 'locking-'));
  const pidFile = join(dir, 'ovs-vswitchd.pid');
  const started: ChildProcess[] = [];
  const start = async (program: string, does: 'locks' | 'opens'): Promise<number> => {
    const child = spawn(program, ['-c', lock, pidFile, does], { stdio: ['pipe', 'pipe', 'inherit'] });
    started.push(child);
    const [ready] = await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
    expect(String(ready)).toBe('ready');
    writeFileSync(pidFile, String(child.pid));
    return child.pid ?? 0;
  };
  writeFileSync(pidFile, '1');
  afterEach(async () => {
    for (const child of started.splice(0)) {
      child.stdin?.end();
      if (child.exitCode === null) await once(child, 'close');
    }
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it('is the process that holds its lock, by the file of its program', async () => {
    const pid = await start(python, 'locks');
    const path = realpathSync(python);
    const { dev, ino } = statSync(path);
    expect(lockingDaemon(pidFile)).toEqual({ pid, program: { path, device: dev, inode: ino, owner: 0, user: 0 } });
  });

  it('is none whose number alone stands in it', async () => {
    await start(python, 'opens');
    expect(lockingDaemon(pidFile)).toBeNull();
  });

  it('is none whose program another user owns, whatever it is called', async () => {
    const copy = join(dir, 'ovs-vswitchd');
    copyFileSync(realpathSync(python), copy);
    chownSync(copy, 1000, 1000);
    await start(copy, 'locks');
    expect(lockingDaemon(pidFile)).toBeNull();
  });
});
