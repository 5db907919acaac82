import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectHost } from '../../../../src/run/hosts/remote-host.js';
import { toolVersion } from '../../../../src/system/process/package-path.js';
import { refusalOf } from '../../../support/refusal.js';

const path = process.env['PATH'];
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remote-host-'));
  process.env['PATH'] = `${folder}:${path}`;
});
afterEach(() => {
  process.env['PATH'] = path;
  rmSync(folder, { recursive: true, force: true });
});

it('a host that is there and does not answer a question is lost, and who observes through it hears so', async () => {
  const ready = JSON.stringify({ type: 'ready', version: toolVersion(), pid: 1, uid: 0 });
  const script = `#!/bin/sh\necho '${ready}'\nwhile sleep 0.1; do echo '{"type":"beat"}'; done\n`;
  writeFileSync(join(folder, 'ssh'), script, { mode: 0o700 });
  const host = await connectHost({ name: 'hv2', ssh: 'root@hv2', command: ['verify-isolation'] });
  const reasons: string[] = [];
  host.onLost((why) => reasons.push(why));
  const other = refusalOf(() => host.ask({ ask: 'drops', netns: null }));
  const why = 'it has not answered clock within 0.3 s';
  expect(await refusalOf(() => host.ask({ ask: 'clock' }, 300))).toBe(
    `host-lost 3 the connection to hv2 was lost: ${why}`,
  );
  expect([host.lost, reasons, await other]).toEqual([why, [why], `host-lost 3 the connection to hv2 was lost: ${why}`]);
  await host.end();
});
