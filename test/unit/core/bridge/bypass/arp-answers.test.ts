import { describe, expect, it } from 'vitest';
import { answerBypasses, answersNeighbours } from '../../../../../src/core/bridge/bypass/arp-answers.js';
import type { NeighbourState } from '../../../../../src/core/model/routing-state.js';
import { parseNeighbourTable } from '../../../../../src/system/state/parse-links.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { learnedAt } from '../../../../support/link-state.js';
import { there } from '../../../../support/there.js';

const [bob, carol] = ['02:00:00:00:00:02', '02:00:00:00:00:03'] as const;
const ip = (address: string) => ({ address, prefix: 24, family: 4 as const });
const endpoints = [
  { name: 'bob', macs: [bob], ips: [ip('10.0.0.2')] },
  { name: 'carol', macs: [carol], ips: [ip('10.0.0.3')] },
];
const link = there(hostState().links[1]);

/** The MACs by which a bridge with these flags at its ports answers wrongly, out of these entries. */
function wrong(
  flags: object,
  entries: readonly Partial<NeighbourState>[],
  guests = endpoints,
  fdb = [learnedAt(bob, 'vnet2'), learnedAt(carol, 'vnet3')],
): readonly string[] {
  const ports = ['vnet2', 'vnet3'].map((name) => ({ ...link, name, master: 'br0', port: { ...flags } }));
  const uplinks = [
    { ...link, name: 'br0', kind: 'bridge', master: null, port: null },
    { ...link, name: 'br0.7', kind: 'vlan', lower: 'br0', master: null, port: null },
  ];
  const neighbours = entries.map((entry) => ({
    ...{ address: '10.0.0.2', mac: carol, device: 'br0', isStatic: false },
    ...entry,
  }));
  const state = {
    ...hostState(),
    links: [...uplinks, ...ports],
    fdb,
    neighbours,
  };
  return answerBypasses(state, new Set(['br0']), guests).map(({ what, where }) => `${what} at ${where}`);
}
const suppressed = { neigh_suppress: true };
const wrongly = (device = 'br0'): readonly string[] => [`neighbour entry 10.0.0.2 ${carol} at ${device} (br0)`];

describe('an answer of the bridge', () => {
  it.each(['neigh_suppress', 'neigh_vlan_suppress', 'proxy_arp', 'proxy_arp_wifi'])(
    'by %s is wrong with a MAC that the owner of the address does not have',
    (flag) => {
      expect(wrong({ [flag]: true }, [{}])).toEqual(wrongly());
      expect(wrong({ [flag]: true }, [{ device: 'br0.7' }])).toEqual(wrongly('br0.7'));
      expect(wrong({ [flag]: false }, [{}])).toEqual([]);
    },
  );

  it('is right with the MAC of the owner, and is none if the bridge does not know the MAC or has another device', () => {
    expect(wrong(suppressed, [{ mac: bob }])).toEqual([]);
    expect(wrong(suppressed, [{ mac: '02:00:00:00:00:99' }])).toEqual([]);
    expect(wrong(suppressed, [{ device: 'eth0' }])).toEqual([]);
  });

  it('is wrong by the entry of any VLAN that the bridge has of the MAC', () => {
    const entries = [learnedAt(carol, 'br0', { vlan: 1 }), learnedAt(carol, 'vnet3', { vlan: 7 })];
    expect(wrong(suppressed, [{}], endpoints, entries)).toEqual(wrongly());
    expect(wrong(suppressed, [{}], endpoints, entries.slice(0, 1))).toEqual([]);
  });

  it("is open if a static entry alone says that an address is a guest's", () => {
    const nobodys = [{ ...there(endpoints[1]), ips: [] }];
    expect(wrong(suppressed, [{ isStatic: true }], nobodys)).toEqual(wrongly());
    expect(wrong(suppressed, [{ isStatic: true, address: '10.0.0.3' }])).toEqual([
      `neighbour entry 10.0.0.3 ${carol} at br0 (br0)`,
    ]);
    expect(wrong(suppressed, [{}], nobodys)).toEqual([]);
    expect(wrong(suppressed, [{ isStatic: true }], [])).toEqual([]);
  });
});

it('is given at a port with such a flag only', () => {
  expect(answersNeighbours({ ...link, port: { ...suppressed } })).toBe(true);
  expect(answersNeighbours({ ...link, port: { neigh_suppress: false, learning: true } })).toBe(false);
  expect(answersNeighbours({ ...link, port: null })).toBe(false);
});

it('comes of the valid entries that ip lists', () => {
  const entry = { dst: '10.0.0.2', dev: 'br0', lladdr: bob, state: ['STALE'] };
  expect(
    parseNeighbourTable([
      entry,
      { ...entry, dst: 'fd00::2', state: ['PERMANENT'] },
      { ...entry, state: ['FAILED'] },
      { dst: '10.0.0.9', dev: 'br0', state: ['INCOMPLETE'] },
      { ...entry, dst: '239.1.1.1', lladdr: '01:00:5e:01:01:01', state: ['NOARP'] },
    ]),
  ).toEqual([
    { address: '10.0.0.2', mac: bob, device: 'br0', isStatic: false },
    { address: 'fd00::2', mac: bob, device: 'br0', isStatic: true },
  ]);
});
