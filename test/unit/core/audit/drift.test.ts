import { describe, expect, it } from 'vitest';
import { asRecoveries } from '../../../../src/cli/commands/watch/loop.js';
import { driftOf } from '../../../../src/core/audit/drift.js';
import { withLastRead } from '../../../../src/core/audit/drift-parts.js';
import { lastLinks } from '../../../../src/core/audit/drift-settings.js';
import { stateAlone } from '../../../../src/core/bridge/view.js';
import type { Drift } from '../../../../src/core/model/audit.js';
import type { PacketSocket } from '../../../../src/core/model/packet-socket.js';
import type { HostState, LinkState, Snapshot } from '../../../../src/core/model/state.js';
import { learnedAt, stateWith, upLink } from '../../../support/link-state.js';

const links = [
  upLink('br0', { kind: 'bridge', ifindex: 1, mac: '02:00:00:00:00:01', bridge: {} }),
  upLink('v0', { master: 'br0', ifindex: 2, mac: '02:00:00:00:00:02', port: {} }),
  upLink('v1', { master: 'br0', ifindex: 3, mac: '02:00:00:00:00:03', port: {} }),
];
const mirrorTo = (device: string): unknown => ({
  filters: {
    'v0 ingress': [
      { options: { actions: [{ kind: 'mirred', direction: 'egress', mirred_action: 'mirror', to_dev: device }] } },
    ],
  },
});
const program = { device: 'v0', place: 'tcx ingress', id: 7 };
const handler = { type: 'ALL', device: 'v0', function: 'spy_receive [spy]' };
const sniffer: PacketSocket = {
  inode: '1',
  ifindex: 0,
  protocol: '0003',
  holders: [{ pid: 812, name: 'tcpdump' }],
  own: false,
};
const entry = learnedAt('52:54:00:00:00:01', 'v0', { state: 'static' });

/** A moment at which everything was read. */
function seen(more: Partial<HostState> = {}, packetSockets: Snapshot['packetSockets'] = []): Snapshot {
  const state = stateWith(links, { tc: { filters: {} }, nft: { nftables: [] }, programs: [], ...more });
  return { ...stateAlone(state), packetSockets };
}
const unread = (...parts: readonly string[]): Pick<HostState, 'unread'> => ({
  unread: parts.map((what) => ({ what, why: 'it was refused' })),
});
const told = (drifts: readonly Drift[]): readonly string[] => drifts.map(({ code, place }) => `${code} ${place}`);
const drift = (was: Snapshot, is: Snapshot): readonly string[] => told(driftOf(was, is));

/** Snapshots as a watch compares them: each with what was read before it. */
function watched(...snapshots: readonly Snapshot[]): readonly (readonly string[])[] {
  const [first, ...others] = snapshots;
  if (first === undefined) return [];
  let [last, known, earlier] = [first, first.state.unread, lastLinks(first)];
  return others.map((now) => {
    const changes = told(driftOf(last, now, { bridge: null, unread: known, earlier }));
    [last, known, earlier] = [withLastRead(last, now), now.state.unread, lastLinks(now, earlier)];
    return changes;
  });
}

describe('what comes and goes', () => {
  it.each([
    [seen(), seen({ tc: mirrorTo('v1') }), ['mirror-appeared v0 ingress', 'rules-changed tc']],
    [seen({ programs: [program] }), seen(), ['bypass-gone v0 tcx ingress']],
    [seen({ fdb: [entry] }), seen(), ['entry-gone 52:54:00:00:00:01']],
  ])('is told where it was read: case %#', (was, is, expected) => expect(drift(was, is)).toEqual(expected));

  it.each([
    ['tc', seen({ tc: mirrorTo('v1') }), seen({ tc: null, ...unread('tc') })],
    ['fdb', seen({ fdb: [entry] }), seen({ fdb: [], ...unread('fdb') })],
    ['programs', seen({ programs: [program] }), seen({ programs: null, ...unread('programs') })],
    [
      'packet handlers',
      seen({ packetHandlers: [handler] }),
      seen({ packetHandlers: [], ...unread('packet handlers') }),
    ],
    ['packet sockets', seen({}, [sniffer]), seen(unread('packet sockets'), null)],
  ])('has neither come nor gone where %s could not be read', (part, read, blind) => {
    expect(drift(read, blind)).toEqual([`unread ${part}`]);
    expect(drift(blind, read)).toEqual([]);
  });

  it('is told of what was read beside a part that was not', () => {
    const blind = seen({ tc: null, programs: [program], ...unread('tc') });
    expect(drift(seen(), blind)).toEqual(['bypass-appeared v0 tcx ingress', 'unread tc']);
  });
});

describe('a port that comes back', () => {
  const without = links.filter(({ name }) => name !== 'v0');
  const withPort = (settings: LinkState['port'], name = 'v0'): Snapshot =>
    seen({ links: [...without, upLink(name, { master: 'br0', ifindex: 9, port: settings })] });
  const isolated = withPort({ isolated: true, flood: true });
  const open = withPort({ isolated: false, flood: true });
  const gone = seen({ links: without });

  it('has told what differs from when it was last there', () => {
    expect(watched(isolated, gone, gone, open)).toEqual([
      ['port-left v0'],
      [],
      ['port-joined v0', 'setting-changed v0.isolated'],
    ]);
    expect(driftOf(gone, open, { bridge: null, earlier: lastLinks(gone, lastLinks(isolated)) })).toContainEqual(
      expect.objectContaining({ code: 'setting-changed', severity: 'high', before: 'true', after: 'false' }),
    );
  });

  it('is no more than a port that joined where it is as it was, or was never there', () => {
    expect(watched(isolated, gone, isolated)).toEqual([['port-left v0'], ['port-joined v0']]);
    expect(watched(gone, open)).toEqual([['port-joined v0']]);
  });

  it('comes back with its bridge as well', () => {
    expect(watched(isolated, seen({ links: [] }), open)).toEqual([
      ['bridge-gone br0'],
      ['bridge-appeared br0', 'setting-changed v0.isolated'],
    ]);
  });

  it('is kept in mind among many names, not forever', () => {
    const many = new Map(Array.from({ length: 5000 }, (_, at) => [`vnet${at}`, upLink(`vnet${at}`)]));
    const earlier = lastLinks(withPort({}, 'vnet5000'), many);
    expect(earlier.size).toBeLessThan(5000);
    expect(earlier.has('vnet4998')).toBe(true);
  });
});

describe('entries made by hand', () => {
  const [guest, permanent] = [
    { ...entry, state: 'dynamic' },
    { ...entry, state: 'permanent' },
  ];
  const ownMac = (port: string): HostState['fdb'][number] => ({
    ...permanent,
    port,
    mac: links.find(({ name }) => name === port)?.mac ?? '',
  });
  const levels = (was: Partial<HostState>, is: Partial<HostState>): readonly string[] =>
    driftOf(seen(was), seen(is)).map(({ code, severity, place }) => `${severity} ${code} ${place}`);

  it.each([
    [{ fdb: [guest] }, { fdb: [permanent] }, ['high entry-added 52:54:00:00:00:01']],
    [{ fdb: [entry] }, { fdb: [permanent] }, ['high entry-added 52:54:00:00:00:01']],
    [{ fdb: [] }, { fdb: [permanent] }, ['high entry-added 52:54:00:00:00:01']],
    [{ fdb: [guest] }, { fdb: [{ ...permanent, port: 'v1' }] }, ['high mac-moved 52:54:00:00:00:01']],
    [{ fdb: [permanent] }, { fdb: [guest] }, ['medium entry-gone 52:54:00:00:00:01']],
    [{ fdb: [] }, { fdb: [{ ...permanent, port: 'br0' }] }, ['low entry-added 52:54:00:00:00:01']],
  ])('that make the MAC of a guest the own one of the bridge are high: case %#', (was, is, expected) =>
    expect(levels(was, is)).toEqual(expected),
  );

  it('are none that the kernel makes for a port, or for one that is not listed yet', () => {
    const own = [ownMac('v0'), ownMac('v1'), ownMac('br0'), { ...ownMac('v1'), vlan: 20 }];
    expect(levels({ fdb: [] }, { fdb: own })).toEqual([]);
    expect(levels({ fdb: own }, { fdb: [] })).toEqual([]);
    expect(levels({ fdb: [] }, { fdb: [{ ...ownMac('br0'), port: 'v0' }] })).toEqual([]);
    expect(levels({ fdb: [] }, { fdb: [{ ...permanent, port: 'v2' }] })).toEqual([]);
  });

  it('are told where they no longer hold a MAC on its port', () => {
    const sticky = { ...entry, flags: ['sticky'] };
    expect(levels({ fdb: [sticky] }, { fdb: [entry] })).toEqual(['medium sticky-gone 52:54:00:00:00:01']);
    expect(levels({ fdb: [{ ...guest, flags: ['sticky'] }] }, { fdb: [guest] })).toEqual([
      'medium sticky-gone 52:54:00:00:00:01',
    ]);
    expect(levels({ fdb: [sticky] }, { fdb: [guest] })).toEqual(['medium entry-gone 52:54:00:00:00:01']);
    expect(levels({ fdb: [entry] }, { fdb: [sticky] })).toEqual([]);
    expect(levels({ fdb: [sticky] }, { fdb: [sticky] })).toEqual([]);
  });

  it('are told of multicast groups, and who became a router port', () => {
    const member = { dev: 'br0', port: 'v0', grp: '239.1.1.1', state: 'permanent' };
    const router = { br0: [{ port: 'v1' }] };
    const [none, joined] = [{ mdb: [{ mdb: [], router: {} }] }, { mdb: [{ mdb: [{ ...member, state: 'temp' }] }] }];
    const both = { mdb: [{ mdb: [{ ...member, vid: 20 }], router }] };
    expect(levels(none, both)).toEqual(['medium member-added 239.1.1.1 vlan 20 on v0', 'high router-port-appeared v1']);
    expect(levels(both, none)).toEqual(['low member-gone 239.1.1.1 vlan 20 on v0', 'info router-port-gone v1']);
    expect(levels(joined, { mdb: [{ mdb: [member] }] })).toEqual(['medium member-added 239.1.1.1 on v0']);
    expect(levels(none, joined)).toEqual([]);
    expect(levels(both, both)).toEqual([]);
  });
});

describe('a part that could not be read for a while', () => {
  const blind = seen({ tc: null, ...unread('tc') });

  it('is said once, and is no drift where it is as it was', () => {
    const mirrored = seen({ tc: mirrorTo('v1') });
    expect(watched(mirrored, blind, blind, mirrored)).toEqual([['unread tc'], [], []]);
  });

  it('has what changed meanwhile told when it can be read again', () => {
    expect(watched(seen(), blind, blind, seen({ tc: mirrorTo('v1') }))).toEqual([
      ['unread tc'],
      [],
      ['mirror-appeared v0 ingress', 'rules-changed tc'],
    ]);
  });

  it('is said again after it was read in between', () => {
    expect(watched(seen(), blind, seen(), blind)).toEqual([['unread tc'], [], ['unread tc']]);
  });

  it('is compared with nothing where it was never read', () => {
    expect(watched(blind, blind, seen({ tc: mirrorTo('v1') }))).toEqual([[], []]);
  });
});

describe('VLANs of ports', () => {
  const native = { vlan: 1, flags: ['PVID', 'Egress Untagged'] };
  const listing = (...ports: readonly (readonly [ifname: string, vlans: readonly object[]])[]): Partial<HostState> => ({
    vlan: ports.map(([ifname, vlans]) => ({ ifname, vlans })),
  });
  const two = listing(['br0', [native]], ['v0', [native]]);

  it('of a port that joins or leaves are no change of their own', () => {
    const vnet1 = upLink('vnet1', { master: 'br0', ifindex: 9, port: {} });
    const joined = seen({
      links: [...links, vnet1],
      ...listing(['br0', [native]], ['v0', [native]], ['vnet1', [native]]),
    });
    expect(drift(seen(two), joined)).toEqual(['port-joined vnet1']);
    expect(drift(joined, seen(two))).toEqual(['port-left vnet1']);
    expect(drift(seen(two), seen(listing(['br0', [native]], ['v0', [native]], ['vnet1', [native]])))).toEqual([]);
  });

  it('that change are told with the port, its bridge, and what they were and are', () => {
    const tagged = [10, 11, 12, 20].map((vlan) => ({ vlan, flags: [] }));
    const moved = seen(listing(['br0', [native]], ['v0', tagged]));
    const change = { code: 'rules-changed', severity: 'high', bridge: 'br0', place: 'v0' };
    expect(driftOf(seen(two), moved)).toEqual([
      { ...change, before: '1 pvid untagged', after: '10-12, 20', text: 'the VLANs of v0 changed' },
    ]);
    expect(driftOf(seen(two), moved, { bridge: 'br0' })).toHaveLength(1);
    expect(driftOf(seen(two), seen(listing(['br0', []])))).toEqual([
      expect.objectContaining({ place: 'br0', before: '1 pvid untagged', after: 'none' }),
      expect.objectContaining({ place: 'v0', before: '1 pvid untagged', after: 'none' }),
    ]);
    expect(drift(seen(two), seen(listing(['v0', [native]], ['br0', [native]])))).toEqual([]);
  });

  it('of another bridge are nothing to who watches one', () => {
    const other = [...links, upLink('br1', { kind: 'bridge', ifindex: 10, bridge: {} })];
    const [was, is] = [
      seen({ links: other, ...listing(['br1', [native]]) }),
      seen({ links: other, ...listing(['br1', []]) }),
    ];
    expect(driftOf(was, is, { bridge: 'br0' })).toEqual([]);
    expect(drift(was, is)).toEqual(['rules-changed br1']);
  });
});

describe('a recovery', () => {
  const withHub = (ageing: number, learning: boolean): Snapshot =>
    seen({
      links: [
        upLink('br0', { kind: 'bridge', ifindex: 1, mac: '02:00:00:00:00:01', bridge: { ageing_time: ageing } }),
        upLink('v0', { master: 'br0', ifindex: 2, mac: '02:00:00:00:00:02', port: { learning } }),
      ],
    });
  const severities = (was: Snapshot, is: Snapshot): readonly string[] =>
    driftOf(was, is).map(({ place, severity }) => `${place} ${severity}`);

  it('is for information, and what it recovers from is high', () => {
    const [safe, open] = [withHub(30_000, true), withHub(0, false)];
    expect(severities(safe, open)).toEqual(['br0.ageing_time high', 'v0.learning high']);
    expect(severities(open, safe)).toEqual(['br0.ageing_time info', 'v0.learning info']);
  });

  it('is what is as in the baseline again', () => {
    const moved = driftOf(
      seen({ fdb: [learnedAt('52:54:00:00:00:09', 'v0')] }),
      seen({ fdb: [learnedAt('52:54:00:00:00:09', 'v1')] }),
    );
    expect(moved.map(({ severity }) => severity)).toEqual(['high']);
    expect(asRecoveries(moved, moved).map(({ severity }) => severity)).toEqual(['high']);
    expect(asRecoveries(moved, []).map(({ severity }) => severity)).toEqual(['info']);
  });
});
