import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Neighbour } from '../../../src/core/discover/host-topology.js';
import { hearGuests, type HeardGuests } from '../../../src/system/state/hear-guests.js';
import { readState } from '../../../src/system/state/read.js';
import { guests, throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

describe('what is heard of guests before a run', { ...needs(root), timeout: patient(60_000) }, () => {
  let host: ThrowAwayHost;
  beforeEach(() => {
    host = throwAwayHost();
  });
  afterEach(() => host.close());

  const hear = async (neighbours: readonly Neighbour[], forMs: number): Promise<HeardGuests> => {
    const state = await readState({ netns: host.netns, sysfs: false, sysctl: [] });
    return hearGuests({ state, neighbours }, host.netns, forMs);
  };
  const everyAddress = Object.values(guests).map(({ mac, ip }) => ({ mac, address: ip }));

  it('is the address of one that asks for a neighbour, and the MAC of one whose port learns nothing', async () => {
    const { kali2, kali3 } = guests;
    host.run(`bridge link set dev ${kali3.port} learning off`);
    host.run(`bridge fdb del ${kali3.mac} dev ${kali3.port} master`);
    // to an address that no one has: the kernel asks for it again and again
    const pings = (['kali2', 'kali3'] as const).map((name) => host.start(name, 'ping -i 0.3 192.168.0.99'));
    try {
      const { macs, neighbours, fdb } = await hear([], patient(4000));
      expect([...macs]).toEqual([[kali3.port, kali3.mac]]);
      expect(neighbours).toEqual(
        expect.arrayContaining([kali2, kali3].map(({ mac, ip }) => ({ mac, address: ip, device: 'br0' }))),
      );
      expect(fdb).toEqual([]);
    } finally {
      for (const ping of pings) ping.kill();
    }
  });

  it('is the MAC that a guest sends with, where its port learns nothing and has an entry for another', async () => {
    const { kali2, kali3 } = guests;
    host.run(`bridge fdb replace ${kali3.mac} dev ${kali3.port} master static`);
    host.run(`bridge link set dev ${kali3.port} learning off`);
    const talk = (): ChildProcess => host.start('kali3', `ping -i 0.3 ${kali2.ip}`);
    const before = talk();
    try {
      expect((await hear(everyAddress, patient(1500))).macs.size).toBe(0);
    } finally {
      before.kill();
    }
    await once(host.start('kali3', 'ip link set dev eth0 address 02:00:00:00:77:09'), 'close');
    const after = talk();
    try {
      expect([...(await hear(everyAddress, patient(4000))).macs]).toEqual([[kali3.port, '02:00:00:00:77:09']]);
    } finally {
      after.kill();
    }
  });

  it('is nothing where all are on record, and no time goes by', async () => {
    const begun = performance.now();
    expect(await hear(everyAddress, 600_000)).toEqual({ fdb: [], macs: new Map(), neighbours: [], behind: [] });
    expect(performance.now() - begun).toBeLessThan(patient(20_000));
  });

  it('is the MAC of each guest of a bridge that learns nothing', { tags: 'all' }, async () => {
    host.run('ip link set dev br0 type bridge ageing_time 0');
    host.run('bridge fdb flush dev br0');
    const ping = host.start('kali2', 'ping -i 0.3 192.168.0.99');
    try {
      const { fdb, macs } = await hear(everyAddress, patient(3000));
      expect(fdb).toContainEqual(expect.objectContaining({ mac: guests.kali2.mac, port: guests.kali2.port }));
      expect(macs.size).toBe(0);
    } finally {
      ping.kill();
    }
  });
});
