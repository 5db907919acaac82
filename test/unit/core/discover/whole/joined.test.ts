import { describe, expect, it } from 'vitest';
import { refuseJoined } from '../../../../../src/core/discover/whole/refusals.js';
import { learnedAt, stateWith, upLink } from '../../../../support/link-state.js';

const mac = (n: number): string => `52:54:00:00:00:0${n}`;
const guest = (bridge: string, n: number) => ({
  name: `g${n}`,
  guest: null,
  spoke: true,
  endpoint: { bridge, port: `v${n}`, mac: mac(n) },
});
const uplink = (bridge: string, port: string) => ({
  name: port,
  guest: null,
  spoke: true,
  endpoint: { bridge, port, role: 'uplink' as const },
});
const port = (name: string, master: string) => upLink(name, { master, kind: 'tun' });

/** br0 and br1, each with a NIC and two guests; `heard`: the MACs that br1 has learned at its NIC. */
function joinedBy(heard: readonly string[], addresses: Readonly<Record<string, readonly string[]>> = {}): () => void {
  const parts = [
    { bridge: 'br0', nic: 'nic0', guests: [1, 2] },
    { bridge: 'br1', nic: 'nic1', guests: [3, 4] },
  ];
  const bridges = parts.map(({ bridge, nic, guests }) => ({
    bridge,
    members: [port(nic, bridge), ...guests.map((n) => port(`v${n}`, bridge))],
    entries: [uplink(bridge, nic), ...guests.map((n) => guest(bridge, n))],
  }));
  const fdb = [
    ...parts.flatMap(({ bridge, guests }) =>
      guests.map((n) => learnedAt(mac(n), `v${n}`, { master: bridge, state: 'dynamic' })),
    ),
    ...heard.map((known) => learnedAt(known, 'nic1', { master: 'br1', state: 'dynamic' })),
  ];
  const state = stateWith(
    bridges.flatMap(({ members }) => members),
    { fdb },
  );
  return () => refuseJoined(bridges, ['br0', 'br1'], { state, addresses }, new Map());
}

describe('two bridges with a NIC each', () => {
  it('are one network where one has learned a guest of the other at its NIC', () => {
    expect(joinedBy(['00:11:22:33:44:55', mac(1)])).toThrow(
      expect.objectContaining({ exitCode: 69, places: ['br0', 'br1'], why: '"nic1" joins "br1" to "br0"' }),
    );
  });

  it.each([
    ['an address on one of them', { br0: ['10.0.0.2/24'] }, true],
    ['two addresses of one network', { br0: ['10.0.0.2/24'], br1: ['10.0.0.3/24'] }, true],
    ['addresses of two networks', { br0: ['10.0.0.2/24'], br1: ['10.0.1.2/24', 'fd00::2/64'] }, false],
  ])('may be meant to be one where the host has %s: %j, %s', (_, addresses, isMeant) => {
    expect(joinedBy([mac(1)], addresses)).toThrow(expect.objectContaining({ isMeant }));
  });

  it('are two where each has learned others there, as a router that has one MAC in all networks', () => {
    expect(joinedBy(['00:11:22:33:44:55'])).not.toThrow();
  });

  it('are two where a guest’s own frames came back by its NIC', () => {
    expect(joinedBy([mac(3)])).not.toThrow();
  });
});
