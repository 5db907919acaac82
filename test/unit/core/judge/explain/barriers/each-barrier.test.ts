import { describe, expect, it } from 'vitest';
import { barriers, lastBarriers } from '../../../../../../src/core/judge/explain/barriers.js';
import type { RowContext } from '../../../../../../src/core/bridge/row-context.js';
import type { FdbState, OvsState } from '../../../../../../src/core/model/state.js';
import {
  a,
  bridge,
  broadcast,
  entry,
  flow,
  group,
  host,
  links,
  macOfB,
  observerC,
  of,
  port,
  row,
} from '../../../../../support/judge/row-fixture.js';
import { above, unbridgedCases } from '../../../../../support/judge/routed.js';

type Code = keyof typeof barriers;

interface Case {
  readonly found: Partial<RowContext>;
  readonly place: string;
  /** Other ways to be in the way, with their places. */
  readonly also?: Readonly<Record<string, readonly [Partial<RowContext>, string]>>;
  /** By what differs: then it is not in the way. */
  readonly not: Readonly<Record<string, Partial<RowContext>>>;
}

const { p0, p1, p2 } = links;
const routed = of('routed-bounce', { carrier: 'ipv4-udp' });
const relay = { ...observerC, place: 'relay' as const, interface: 'tap9', macs: ['02:00:00:00:00:77'] };
const to = (dstMac: string): Partial<RowContext> => ({ dstMac, flow: { ...flow, frame: { ...flow.frame, dstMac } } });
/** An entry that stands before the probes and after them. */
const stays = (entry: FdbState): Partial<RowContext> => ({
  entries: [entry],
  before: host({ fdb: [entry] }),
  after: host({ fdb: [entry] }),
});
function steers(row: FdbState, more: Readonly<Record<string, Partial<RowContext>>> = {}): Case {
  return {
    found: stays(row),
    place: `fdb ${row.mac} dev ${row.port}`,
    also: {
      'an observer on the bridge device': [
        { ...stays(row), observer: { ...observerC, place: 'bridge' }, port: null },
        `fdb ${row.mac} dev ${row.port}`,
      ],
      'beside an entry of somebody else': [
        { entries: [row], after: host({ fdb: [entry({ mac: '02:00:00:00:00:99' }), row] }) },
        `fdb ${row.mac} dev ${row.port}`,
      ],
    },
    not: {
      'an entry of the bridge itself, on the bridge device': {
        ...stays({ ...row, port: 'br0' }),
        observer: { ...observerC, place: 'bridge' },
        port: null,
      },
      'no entry': { entries: [], after: host() },
      'an entry that is gone afterwards': { ...stays(row), after: host() },
      'an entry that moved': { ...stays(row), after: host({ fdb: [{ ...row, port: 'p3' }] }) },
      'an entry that changed its kind': { ...stays(row), after: host({ fdb: [{ ...row, state: 'other' }] }) },
      'an entry of another MAC afterwards': {
        ...stays(row),
        after: host({ fdb: [{ ...row, mac: '02:00:00:00:00:99' }] }),
      },
      ...(row.state === 'permanent' ? {} : { 'an entry on its own port': stays({ ...row, port: 'p2' }) }),
      'a second entry on the observer’s own port': { ...stays(row), entries: [row, entry({ port: 'p2' })] },
      'a group': { ...stays(row), dstMac: group },
      'no destination': { ...stays(row), dstMac: null },
      'an observer that is not there': { ...stays(row), observer: null },
      'a relay, which takes what it wants': { ...stays(row), observer: relay },
      ...more,
    },
  };
}
const vlan = (ports: Readonly<Record<string, readonly number[]>>) =>
  host({
    vlan: Object.entries(ports).map(([ifname, vids]) => ({
      ifname,
      vlans: vids.map((vid, at) => ({ vlan: vid, flags: at === 0 ? ['PVID', 'Egress Untagged'] : [] })),
    })),
  });
const ovs = (from: boolean, at: boolean): OvsState => ({
  bridges: [{ name: 'br0', columns: {}, flows: [] }],
  mirrors: [],
  ports: [
    { name: 'p0', bridge: 'br0', columns: { protected: from }, ofport: 1, config: [] },
    { name: 'p2', bridge: 'br0', columns: { protected: at }, ofport: 3, config: [] },
  ],
});
const member = (over: object = {}): unknown => [{ mdb: [{ dev: 'br0', port: 'p1', grp: '239.1.1.1', ...over }] }];
const joined: Partial<RowContext> = {
  ...to(group),
  flow: { ...flow, frame: { ...flow.frame, dstMac: group, dstIp: '239.1.1.1' } },
  bridge: bridge({ mcast_snooping: 1 }),
  before: host({ mdb: member() }),
};

const cases: Readonly<Record<Code, Case>> = {
  'other-bridge': {
    found: { from: { ...a, bridge: 'br1' } },
    place: 'br1, br0',
    not: {
      'one bridge': { from: a },
      'a sender that is not known': { from: null },
      'what the host routes': { from: { ...a, bridge: 'br1' }, finding: routed },
    },
  },
  'source-port': {
    found: { port: p0, fromPort: p0 },
    place: 'p0.hairpin',
    not: {
      'another port': { port: p1, fromPort: p0 },
      'no port at either end': { port: null, fromPort: null },
      'a sender without a port': { fromPort: null },
    },
  },
  'vlan-filtering': {
    found: { bridge: bridge({ vlan_filtering: 1 }), before: vlan({ p0: [10], p2: [20] }) },
    place: 'p2 is not in VLAN 10',
    also: {
      'a tag that the sender’s port does not take': [
        { finding: of('known-unicast', { vlan: [20] }) },
        'p0 has no VLAN 20',
      ],
      'a priority tag, which is in the port’s own VLAN': [
        { finding: of('known-unicast', { vlan: [0] }) },
        'p2 is not in VLAN 10',
      ],
      'no VLAN for what has no tag': [{ before: vlan({ p2: [20] }) }, 'p0 has no VLAN for untagged frames'],
      'the outer tag, which decides': [{ finding: of('known-unicast', { vlan: [10, 20] }) }, 'p2 is not in VLAN 10'],
      'an observer’s port that has no VLAN': [{ before: vlan({ p0: [10] }) }, 'p2 is not in VLAN 10'],
    },
    not: {
      'a bridge that does not filter': { bridge: bridge({ vlan_filtering: 0 }) },
      'a VLAN that both have': { before: vlan({ p0: [10], p2: [20, 10] }) },
      'a sender without a port': { fromPort: null },
      'an observer without a port': { port: null },
      'a tag that both take': {
        before: vlan({ p0: [10, 30], p2: [20, 30] }),
        finding: of('known-unicast', { vlan: [30] }),
      },
    },
  },
  isolated: {
    found: { fromPort: port(p0, { isolated: true }), port: port(p2, { isolated: true }) },
    place: 'p0.isolated, p2.isolated',
    not: {
      'the sender’s port alone': { port: port(p2, { isolated: false }) },
      'the observer’s port alone': { fromPort: port(p0, { isolated: false }) },
      'a port of another bridge': { fromPort: { ...port(p0, { isolated: true }), master: 'br1' } },
      'no port of the sender': { fromPort: null },
      'no port of the observer': { port: null },
      'what the host routes': { finding: routed },
    },
  },
  'ovs-protected': {
    found: { before: host({ ovs: ovs(true, true) }) },
    place: 'p0.protected, p2.protected',
    not: {
      'the sender alone': { before: host({ ovs: ovs(true, false) }) },
      'the observer alone': { before: host({ ovs: ovs(false, true) }) },
      'no Open vSwitch': { before: host() },
      'a port that it does not have': { port: p1 },
      'no port': { fromPort: null },
    },
  },
  locked: {
    found: {
      fromPort: port(p0, { locked: true }),
      before: host({
        fdb: [
          entry({ mac: flow.frame.srcMac, port: 'p3' }),
          entry({ mac: flow.frame.srcMac, port: 'p0', master: 'br1' }),
          entry({ port: 'p0' }),
        ],
      }),
    },
    place: 'p0.locked',
    not: {
      'a port that is open': { fromPort: port(p0, { locked: false }) },
      'an entry that ties the source to the port': {
        before: host({ fdb: [entry({ mac: flow.frame.srcMac, port: 'p0' })] }),
      },
      'an entry that does, among others': {
        before: host({ fdb: [entry({ port: 'p3' }), entry({ mac: flow.frame.srcMac, port: 'p0' })] }),
      },
      'no port': { fromPort: null },
      'no flow': { flow: null },
    },
  },
  guard: {
    found: { finding: of('stp-root'), fromPort: port(p0, { guard: true }) },
    place: 'p0.guard',
    also: { root_block: [{ fromPort: port(p0, { guard: false, root_block: true }) }, 'p0.root_block'] },
    not: {
      'another class': { finding: of('broadcast') },
      neither: { fromPort: port(p0, { guard: false, root_block: false }) },
      'no port': { fromPort: null },
    },
  },
  'forwarding-off': {
    found: {
      finding: routed,
      before: host({ sysctl: { 'net.ipv4.ip_forward': '0', 'net.ipv6.conf.all.forwarding': '1' } }),
    },
    place: 'net.ipv4.ip_forward',
    also: {
      IPv6: [
        {
          finding: of('routed-bounce', { carrier: 'ipv6-udp' }),
          before: host({ sysctl: { 'net.ipv4.ip_forward': '1', 'net.ipv6.conf.all.forwarding': '0' } }),
        },
        'net.ipv6.conf.all.forwarding',
      ],
    },
    not: {
      'a host that forwards': { before: host({ sysctl: { 'net.ipv4.ip_forward': '1' } }) },
      'a host that does not tell': { before: host() },
      'another class': { finding: of('known-unicast') },
    },
  },
  'routed-elsewhere': {
    found: {
      finding: routed,
      before: host({ sysctl: { 'net.ipv4.ip_forward': '1', 'net.ipv6.conf.all.forwarding': '0' } }),
    },
    place: 'route to b',
    also: {
      IPv6: [
        {
          finding: of('routed-bounce', { carrier: 'ipv6-udp' }),
          before: host({ sysctl: { 'net.ipv4.ip_forward': '0', 'net.ipv6.conf.all.forwarding': '1' } }),
        },
        'route to b',
      ],
    },
    not: {
      'the addressee': { observer: { ...observerC, name: 'b' } },
      'nobody addressed': { to: null },
      'an observer that is not there': { observer: null },
      'a host that does not forward': { before: host({ sysctl: { 'net.ipv4.ip_forward': '0' } }) },
      'another class': { finding: of('known-unicast') },
    },
  },
  'sticky-entry': steers(entry({ state: 'static', flags: ['sticky'] }), {
    'one that moves': stays(entry({ state: 'static' })),
    'a learned one': stays(entry({ flags: ['sticky'] })),
  }),
  'permanent-entry': steers(entry({ state: 'permanent' }), {
    'another kind': stays(entry({ state: 'static' })),
    'what the host routes': { ...stays(entry({ state: 'permanent' })), finding: routed },
  }),
  'static-entry': steers(entry({ state: 'static' }), {
    'a sticky one, which is more': stays(entry({ state: 'static', flags: ['sticky'] })),
    'a learned one': stays(entry()),
  }),
  'learned-entry': steers(entry(), { 'a static one': stays(entry({ state: 'static' })) }),
  'flood-off': {
    found: { port: port(p2, { flood: false }) },
    place: 'p2.flood',
    not: {
      'flood on': { port: port(p2, { flood: true }) },
      'a kernel that does not tell': { port: port(p2, {}) },
      'no port': { port: null },
      'what the host routes': { finding: routed },
      'a group': to(group),
      'the bridge itself': to(links.br0.mac),
    },
  },
  'bcast-flood-off': {
    found: { ...to(broadcast), port: port(p2, { bcast_flood: false }) },
    place: 'p2.bcast_flood',
    not: {
      on: { port: port(p2, { bcast_flood: true, mcast_flood: false }) },
      multicast: to(group),
      unicast: to(macOfB),
      'no destination': { dstMac: null },
      'no port': { port: null },
      'what the host itself sends': { fromPort: null },
    },
  },
  'mcast-flood-off': {
    found: { ...to(group), port: port(p2, { mcast_flood: false }) },
    place: 'p2.mcast_flood',
    not: {
      on: { port: port(p2, { mcast_flood: true, bcast_flood: false }) },
      'a broadcast': to(broadcast),
      unicast: to(macOfB),
      'no destination': { dstMac: null },
      'no port': { port: null },
      'what the host itself sends': { fromPort: null },
    },
  },
  'link-local-reserved': {
    found: { ...to('01:80:c2:00:00:0e'), bridge: bridge({ group_fwd_mask: '0xbfff' }) },
    place: 'br0.group_fwd_mask',
    also: {
      'a bridge without the mask': [{ bridge: bridge({}) }, 'br0.group_fwd_mask'],
      'BPDUs, where the bridge takes them itself': [
        { ...to('01:80:c2:00:00:00'), bridge: bridge({ stp_state: 1 }) },
        'br0.stp_state',
      ],
    },
    not: {
      'the group’s bit': { bridge: bridge({ group_fwd_mask: '0x4000' }) },
      'BPDUs without STP': { ...to('01:80:c2:00:00:00'), bridge: bridge({ stp_state: 0, group_fwd_mask: 0 }) },
      'the next address': to('01:80:c2:00:00:10'),
      'an address like it': to('01:80:c2:00:00:0e:00'),
      'another that ends so': to('00:01:80:c2:00:00:0e'),
      'no destination': { dstMac: null },
    },
  },
  'members-known': {
    found: joined,
    place: 'mdb 239.1.1.1 on p1',
    also: {
      'several members': [
        {
          before: host({
            mdb: [
              {
                mdb: [
                  { dev: 'br0', port: 'p1', grp: '239.1.1.1' },
                  { dev: 'br0', port: 'p3', grp: '239.1.1.1' },
                ],
              },
            ],
          }),
        },
        'mdb 239.1.1.1 on p1, p3',
      ],
    },
    not: {
      'the observer is one': { before: host({ mdb: member({ port: 'p2' }) }) },
      'the observer is one of several': {
        before: host({
          mdb: [
            {
              mdb: [
                { dev: 'br0', port: 'p1', grp: '239.1.1.1' },
                { dev: 'br0', port: 'p2', grp: '239.1.1.1' },
              ],
            },
          ],
        }),
      },
      'no snooping': { bridge: bridge({ mcast_snooping: 0 }) },
      'another group': { before: host({ mdb: member({ grp: '239.1.1.2' }) }) },
      'another bridge': { before: host({ mdb: member({ dev: 'br1' }) }) },
      nobody: { before: host({ mdb: [] }) },
      'no flow': { flow: null },
      'no port': { port: null },
      unicast: { ...to(macOfB), before: joined.before ?? host() },
      'a broadcast': { ...to(broadcast), before: host({ mdb: [{ mdb: [{ dev: 'br0', port: 'p1' }] }] }) },
    },
  },
  ...unbridgedCases,
  'own-address': {
    found: { observer: relay },
    place: 'tap9',
    also: {
      'the host': [{ observer: { ...observerC, place: 'bridge', interface: 'br0', macs: [links.br0.mac] } }, 'br0'],
    },
    not: {
      'a port, which hears what it is sent': { observer: observerC },
      'mode passthru, which gets every frame': { observer: above('passthru') },
      'its own address': { observer: { ...relay, macs: [macOfB] } },
      'the bridge’s': to(links.br0.mac),
      'a group': to(group),
      'nobody there': { observer: null },
      'no destination': { dstMac: null },
    },
  },
};

describe.each(Object.entries(cases))('%s', (code, { found, place, also = {}, not }) => {
  const barrier = Object.entries(barriers).find(([name]) => name === code)?.[1] ?? lastBarriers.unexplained;
  it('is in the way where the state shows it, at the place that it names', () =>
    expect(barrier.find(row(found))).toBe(place));
  it('is in nobody’s way where the state does not show it', () => expect(barrier.find(row())).toBeNull());
  it.each(Object.entries(also))('is in the way with: %s', (_, [change, there]) =>
    expect(barrier.find(row({ ...found, ...change }))).toBe(there),
  );
  it.each<[string, Partial<RowContext>]>([
    ['observer’s port', { port: { ...p2, port: null } }],
    ['sender’s port', { fromPort: { ...p0, port: null } }],
    ['bridge', { bridge: { ...links.br0, bridge: null } }],
  ])('is looked for though the kernel told no setting of the %s', (_, unread) =>
    expect(() => barrier.find(row({ ...found, ...unread }))).not.toThrow(),
  );
  it.each(Object.entries(not))('is not in the way with: %s', (_, change) =>
    expect(barrier.find(row({ ...found, ...change }))).toBeNull(),
  );
});
