import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { watchOvs } from '../../../../../src/system/state/changes/ovs-changes.js';

const folder = mkdtempSync(join(tmpdir(), 'ovs-'));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

it('changes of an Open vSwitch whose database does not answer are unheard', async () => {
  vi.stubEnv('OVS_RUNDIR', folder);
  writeFileSync(join(folder, 'db.sock'), '');
  writeFileSync(join(folder, 'ovs-vsctl'), '#!/bin/sh\necho no database >&2\nexit 1\n', { mode: 0o755 });
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
  const watch = await watchOvs(new Set(['br0']));
  expect(watch.unheard()).toEqual([expect.stringMatching(/^changes of Open vSwitch: .*ovs-vsctl/)]);
  expect(watch.take()).toEqual([]);
  watch.close();
});
