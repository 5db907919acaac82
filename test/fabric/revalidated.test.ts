import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitUntilRevalidated } from '../../src/fabric/revalidated.js';
import { patient } from '../patient.js';
import { guests } from './throw-away-host.js';
import { hasOvs, throwAwayOvs, type ThrowAwayOvs } from './throw-away-ovs.js';

/** Longer than a round of idle revalidators takes to come (max-revalidator, 500 ms). */
const roundMs = 800;

describe.skipIf(process.getuid?.() !== 0 || !hasOvs)('what a change of Open vSwitch decides', () => {
  let host: ThrowAwayOvs;
  beforeAll(async () => {
    host = await throwAwayOvs();
    process.env['OVS_RUNDIR'] = host.dir;
  }, patient(60_000));
  afterAll(() => {
    Reflect.deleteProperty(process.env, 'OVS_RUNDIR');
    return host?.close();
  });

  it('decides frames of a flow that there was when the revalidators have gone round, and not before', { timeout: patient(30_000) }, async () => {
    const flows = (): string => host.run(['ovs-appctl', 'dpctl/dump-flows']);
    const toLan = new RegExp(`src=${guests.kali2.mac},dst=${guests.lan.mac}.*actions:(?<act>\\S+)`);
    host.talk();
    const forwarded = toLan.exec(flows())?.groups?.['act'];
    expect(forwarded).toMatch(/^\d+$/);

    host.run(['ovs-appctl', 'revalidator/pause']);
    host.run(['ovs-ofctl', 'add-flow', 'br0', `priority=100,dl_src=${guests.kali2.mac},actions=drop`]);
    let over = false;
    const waiting = waitUntilRevalidated().then(() => (over = true));
    await sleep(roundMs);
    expect([over, toLan.exec(flows())?.groups?.['act']]).toEqual([false, forwarded]);

    host.run(['ovs-appctl', 'revalidator/resume']);
    await waiting;
    expect(toLan.exec(flows())?.groups?.['act'] ?? 'drop').toBe('drop');
  });
});
