import { spawnSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { openKernelEvents } from '../../../src/system/state/changes/events.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

it('rings, and counts it, when the kernel had to drop events', needs(root), async () => {
  const fd = newNamespace(() => undefined);
  let rung = 0;
  const bell = openKernelEvents(`/proc/${process.pid}/fd/${fd}`, () => (rung += 1), 2048);
  try {
    await sleep(50);
    // Nobody takes events while this waits for ip: some 2,000 of more than 1,000 bytes do not fit into 2,048.
    const commands = `link add name br0 type bridge\nlink set dev br0 up\n${Array.from({ length: 2000 }, (_, at) => `link set dev br0 alias a${at}\n`).join('')}`;
    inNamespaceFd(fd, () => spawnSync('ip', ['-batch', '-'], { input: commands }));
    const before = rung;
    const until = performance.now() + patient(60_000);
    while (bell.counts().overruns === 0 && performance.now() < until) await sleep(20);
    expect(bell.counts().overruns).toBeGreaterThan(0);
    expect(bell.counts().events).toBeLessThan(2000);
    expect(rung).toBeGreaterThan(before);
  } finally {
    await bell.close();
    closeSync(fd);
  }
});
