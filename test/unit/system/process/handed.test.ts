import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { handedVariable, handOn, isHanded, takeHanded } from '../../../../src/system/process/handed.js';

const cli = fileURLToPath(new URL('../../../../dist/cli.cjs', import.meta.url));

describe('what a program hands to the one that takes its place', () => {
  afterEach(() => {
    delete process.env[handedVariable];
  });

  it('is read once, whole, and what is started later hears nothing of it', () => {
    const handed = { options: { quiet: true }, scenarios: [{ name: 'ä'.repeat(70_000) }] };
    process.env[handedVariable] = handOn(handed);
    expect(isHanded()).toBe(true);
    expect(takeHanded()).toEqual(handed);
    expect(process.env[handedVariable]).toBeUndefined();
    expect([isHanded(), takeHanded()]).toEqual([false, null]);
  });

  it.each(['', 'channels', '-1', '3x', '999'])('is nothing where the variable says %j', (value) => {
    process.env[handedVariable] = value;
    expect(takeHanded()).toBeNull();
  });

  it('is nothing where the number is that of a file with a name', () => {
    const dir = mkdtempSync(join(tmpdir(), 'handed-'));
    try {
      writeFileSync(join(dir, 'planted'), JSON.stringify({ options: {}, scenarios: [] }));
      const fd = openSync(join(dir, 'planted'), 'r');
      process.env[handedVariable] = String(fd);
      expect(takeHanded()).toBeNull();
      closeSync(fd);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it.each(['channel', '0', '77'])('a run that is told %j and handed nothing ends with 64', (value) => {
    const { status, stderr } = spawnSync(process.execPath, [cli, 'run', 'nothing.yml'], {
      encoding: 'utf8',
      env: { ...process.env, [handedVariable]: value },
    });
    expect([status, stderr]).toEqual([64, expect.stringContaining('nothing was handed to this run')]);
  });
});
