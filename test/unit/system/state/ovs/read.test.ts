import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { isOvsRunning, readOvs, readOvsTexts } from '../../../../../src/system/state/ovs/read.js';

const folder = mkdtempSync(join(tmpdir(), 'ovs-'));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

it('Open vSwitch runs where its database or its switch does, and a folder that is left of it is none', async () => {
  vi.stubEnv('OVS_RUNDIR', folder);
  expect([isOvsRunning(), await readOvs(), await readOvsTexts()]).toEqual([false, null, null]);
  writeFileSync(join(folder, 'ovs-vswitchd.pid'), '1');
  expect(isOvsRunning()).toBe(true);
  rmSync(join(folder, 'ovs-vswitchd.pid'));
  writeFileSync(join(folder, 'db.sock'), '');
  expect(isOvsRunning()).toBe(true);
});
