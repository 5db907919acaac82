import { describe, expect, it } from 'vitest';
import type { RowContext } from '../../../../../src/core/bridge/row-context.js';
import type { PacketSocket } from '../../../../../src/core/model/packet-socket.js';
import type { HostState, LinkState, OvsState } from '../../../../../src/core/model/state.js';
import { mergeStates } from '../../../../../src/core/plan/hosts.js';
import {
  a,
  b,
  bridge,
  entry,
  flow,
  group,
  host,
  links,
  observerC,
  of,
  port,
  row,
  step,
} from '../../../../support/judge/row-fixture.js';
import { findAsText } from '../../../../support/judge/find-as-text.js';

const { p0, p2 } = links;
const vlan = (ports: Readonly<Record<string, readonly number[]>>, more: Partial<HostState> = {}): HostState =>
  host({
    vlan: Object.entries(ports).map(([ifname, vids]) => ({
      ifname,
      vlans: vids.map((vid, at) => ({ vlan: vid, flags: at === 0 ? ['PVID', 'Egress Untagged'] : [] })),
    })),
    ...more,
  });
const range = (first: number, last = first) => ({ first, last, pvid: false, untagged: false });

describe('a VLAN that is shared', () => {
  const find = findAsText('vlan-shared');
  const shared: Partial<RowContext> = {
    bridge: bridge({ vlan_filtering: 1 }),
    before: vlan({ p0: [10], p2: [20, 10] }),
    from: { ...a, zone: 'x' },
    listener: { ...b, name: 'c', zone: 'y' },
  };
  it('by two zones is at the observer’s port', () => {
    expect(find(shared)).toEqual({
      place: 'p2.vlan 10',
      value: 'member',
      text: 'frames of p0 enter in VLAN 10, and p2 is in it',
      fix: 'bridge vlan del dev p2 vid 10',
    });
  });
  it('says so where the kernel puts every new port in it', () => {
    expect(find({ ...shared, bridge: bridge({ vlan_filtering: 1, vlan_default_pvid: 10 }) })?.text).toBe(
      'frames of p0 enter in VLAN 10, which the kernel gives to every new port, and p2 is in it',
    );
  });
  it('is wrong where the author did not put it: at the sender’s port, else at the observer’s', () => {
    const zoned = (sends: readonly number[], hears: readonly number[]): Partial<RowContext> => ({
      ...shared,
      from: { ...a, zone: null, vlans: sends.map((vid) => range(vid)) },
      listener: { ...b, name: 'c', zone: null, vlans: hears.map((vid) => range(vid)) },
    });
    expect(
      [find(zoned([5], [10])), find(zoned([10], [20])), find(zoned([5], [20])), find(zoned([5], []))].map(
        (cause) => cause?.place,
      ),
    ).toEqual(['p0.vlan 10', 'p2.vlan 10', 'p2.vlan 10', 'p0.vlan 10']);
    expect([find(zoned([10], [10])), find(zoned([], [])), find(zoned([10], []))]).toEqual([null, null, null]);
    expect(find({ ...zoned([10], [10]), finding: of('vlan-hop') })).not.toBeNull();
  });
  it('is not wrong where one of several VLANs of its guest is it, and is where another guest has a zone and this one none', () => {
    expect(find({ ...shared, from: { ...a, zone: null, vlans: [range(5), range(10)] }, listener: null })).toBeNull();
    expect([find({ ...shared, from: null })?.place, find({ ...shared, listener: null })?.place]).toEqual([
      'p2.vlan 10',
      'p2.vlan 10',
    ]);
  });
  it('counts a range with both its ends', () => {
    const ranged = (first: number, last: number): unknown =>
      find({ ...shared, from: { ...a, zone: null, vlans: [range(first, last)] }, listener: null });
    expect([ranged(5, 10), ranged(10, 15), ranged(11, 15), ranged(5, 9)].map((cause) => cause === null)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
  it('is that of the outer tag, or the port’s own where the tag says nothing', () => {
    const tagged = (vids: readonly number[], form?: '802.1ad'): string | undefined =>
      find({
        ...shared,
        before: vlan({ p0: [10, 30], p2: [10, 30] }),
        finding: of('known-unicast', { vlan: vids }),
        flow: { ...flow, frame: { ...flow.frame, ...(form === undefined ? {} : { form }) } },
      })?.place;
    expect([tagged([30]), tagged([30, 10]), tagged([0]), tagged([]), tagged([30], '802.1ad')]).toEqual([
      'p2.vlan 30',
      'p2.vlan 30',
      'p2.vlan 10',
      'p2.vlan 10',
      'p2.vlan 10',
    ]);
    expect(find({ ...shared, flow: null })?.place).toBe('p2.vlan 10');
  });
  it.each<[string, Partial<RowContext>]>([
    ['the bridge does not filter', { bridge: bridge({ vlan_filtering: 0 }) }],
    ['the observer’s port is not in it', { before: vlan({ p0: [10], p2: [20] }) }],
    ['the kernel lists no VLAN of the sender’s port', { before: vlan({ p2: [10] }) }],
    ['the sender has no port', { fromPort: null }],
    ['the observer has no port', { port: null }],
    ['nothing keeps them apart', { from: a, listener: null }],
  ])('is none where %s', (_, over) => {
    const same = over.from === undefined ? shared : { ...shared, listener: null, from: { ...a, zone: null } };
    expect(
      find({
        ...same,
        ...over,
        ...(over.from === undefined ? {} : { from: { ...a, zone: null }, listener: { ...b, zone: null } }),
      }),
    ).toBeNull();
  });
});

describe('a process on the host that takes every frame', () => {
  const find = findAsText('sniffer-on-host');
  const socket = (over: Partial<PacketSocket> = {}): PacketSocket => ({
    inode: '7',
    ifindex: 2,
    protocol: '0003',
    holders: [{ pid: 42, name: 'dumpcap' }],
    own: false,
    ...over,
  });
  const steered: Partial<RowContext> = { entries: [entry()] };
  const holding = (over: Partial<PacketSocket> = {}, more: Partial<HostState> = {}): Partial<RowContext> => ({
    ...steered,
    before: host({ packetSockets: [socket(over)], ...more }),
  });
  const ovs: OvsState = { bridges: [], ports: [], mirrors: [] };

  it.each([
    ['sender’s port', 2, 'p0'],
    ['addressee’s port', 3, 'p1'],
    ['bridge', 1, 'br0'],
    ['host as a whole', 0, 'every interface'],
  ])('at the %s may have handed them on, where the bridge had no reason to', (_, ifindex, where) => {
    expect(find(holding({ ifindex }))).toEqual({
      place: `packet socket on ${where}`,
      value: 'dumpcap (pid 42)',
      text: `dumpcap (pid 42) takes every frame at ${where}, and the bridge had no reason to hand these to c`,
      fix: '',
    });
  });
  it('is named by all who hold it, or as one that cannot be seen', () => {
    expect(
      find(
        holding({
          holders: [
            { pid: 1, name: 'x' },
            { pid: 2, name: 'y' },
          ],
        }),
      )?.value,
    ).toBe('x (pid 1), y (pid 2)');
    expect(find(holding({ holders: [] }))?.value).toBe('a process that cannot be seen');
    expect(find(holding({ holders: [] }, { ovs }))?.value).toBe('a process that cannot be seen');
  });
  it('is not Open vSwitch itself, but who takes frames beside it', () => {
    const holders = [{ pid: 1, name: 'ovs-vswitchd' }];
    expect(find(holding({ holders }, { ovs }))).toBeNull();
    expect(find(holding({ holders }))).not.toBeNull();
    expect(find(holding({ holders: [...holders, { pid: 2, name: 'y' }] }, { ovs }))).not.toBeNull();
  });
  it('is told although the bridge flooded, to who is at no port', () => {
    const relay = { ...observerC, place: 'relay' as const };
    const flooded: Partial<RowContext> = { ...holding(), entries: [], port: port(p2, { flood: true }) };
    expect(find(flooded)).toBeNull();
    expect(find({ ...flooded, observer: relay })).not.toBeNull();
    expect(find({ ...flooded, port: port(p2, { flood: false }) })).not.toBeNull();
    expect(find({ ...flooded, port: null, observer: relay })).not.toBeNull();
    expect(find({ ...flooded, entries: [entry({ port: 'p2' })] })).toBeNull();
    expect(find({ ...flooded, entries: [entry(), entry({ port: 'p2' })] })).toBeNull();
    expect(find({ ...holding(), dstMac: group })).toBeNull();
    expect(find({ ...holding(), dstMac: group, observer: relay })).not.toBeNull();
  });
  it.each<[string, Partial<RowContext>]>([
    ['is the tool’s own', holding({ own: true })],
    ['takes one protocol', holding({ protocol: '0800' })],
    ['stands elsewhere', holding({ ifindex: 5 })],
    ['could not be looked for', { ...steered, before: host({ packetSockets: null }) }],
    ['was not looked for', steered],
    ['stands at no port of who has none', { ...holding({ ifindex: 2 }), fromPort: null }],
    ['stands at the port of nobody', { ...holding({ ifindex: 3 }), to: null }],
  ])('is none that %s', (_, over) => expect(find(over)).toBeNull());
});

describe('a rule that carries frames to another port', () => {
  const find = findAsText('mirror');
  const withXdp = (...names: readonly string[]): HostState =>
    host({
      links: host().links.map((link): LinkState => (names.includes(link.name) ? { ...link, xdp: 'xdp/id:7' } : link)),
    });
  const dup = (device: string, to: string): HostState =>
    host({
      nft: {
        nftables: [
          { chain: { family: 'netdev', table: 't', name: 'c', dev: device } },
          { rule: { family: 'netdev', table: 't', chain: 'c', handle: 3, expr: [{ dup: { addr: to } }] } },
        ],
      },
    });
  it('is one to the observer’s port, or any where the observer has none', () => {
    expect(find({ before: dup('p0', 'p2') })).toMatchObject({ value: 'dup to p2' });
    expect(find({ before: dup('p0', 'p1') })).toBeNull();
    expect(find({ before: dup('p0', 'p1'), port: null })).toMatchObject({ value: 'dup to p1' });
  });
  it('is one at a device elsewhere where the sender is not on the observer’s bridge', () => {
    const elsewhere = { ...p0, name: 'q0', master: 'br9' };
    const before = { ...dup('q0', 'p2'), links: [...host().links, elsewhere] };
    expect(find({ before, fromPort: elsewhere })).toMatchObject({ place: 'netdev t c on q0', value: 'dup to p2' });
    expect(find({ before, fromPort: null })?.value).toBe('dup to p2');
    expect(find({ before })).toBeNull();
    expect(find({ before, fromPort: elsewhere, port: { ...port(p2, {}), master: null } })).toBeNull();
    expect(find({ before: { ...before, ...dup('q0', 'p1'), links: before.links }, fromPort: elsewhere })).toBeNull();
  });
  it('is none of the run’s own, by which it sends as a guest', () => {
    const own = { ...p0, name: 'via013978b-0', master: null };
    const before = { ...dup(own.name, 'p2'), links: [...host().links, own] };
    expect(find({ before, fromPort: null })).toBeNull();
    const other = { ...own, name: 'via013978b' };
    expect(find({ before: { ...dup(other.name, 'p2'), links: [...host().links, other] }, fromPort: null })?.value).toBe(
      'dup to p2',
    );
  });
  it('may be a program at the sender, the addressee or the bridge', () => {
    expect(find({ before: withXdp('p0') })?.place).toMatch(/^p0/);
    expect(find({ before: withXdp('p1') })?.place).toMatch(/^p1/);
    expect(find({ before: withXdp('p2') })).toBeNull();
    expect(find({ before: withXdp('p0'), fromPort: null, to: null })).toBeNull();
  });
  it('is found at ports of guests to which the host routes as well', () => {
    const third = { ...observerC, routed: true } as const;
    const routed = { step: { ...step, observers: [third] }, observer: third, port: null, fromPort: null };
    const segment = bridge({}, { name: observerC.bridge });
    const to = (device: string): Partial<RowContext> => ({
      ...routed,
      bridge: segment,
      before: { ...dup('p2', device), links: host().links.filter(({ name }) => name !== 'br0') },
    });
    expect(find(to('p2'))).toMatchObject({ value: 'dup to p2' });
    expect(find(to('p1'))).toBeNull();
  });
  it('is one that routes copies to the observer’s address, or to one that is nobody’s', () => {
    const third = { ...observerC, routed: true } as const;
    const copy = (expr: unknown, more: Partial<HostState> = {}): HostState =>
      host({
        nft: { nftables: [{ rule: { family: 'ip', table: 't', chain: 'c', handle: 3, expr: [expr] } }] },
        ...more,
      });
    const leak = (before: HostState, more: Partial<RowContext> = {}): ReturnType<typeof find> =>
      find({
        ...{ step: { ...step, observers: [third] }, observer: third, port: null, fromPort: null, before },
        bridge: bridge({}, { name: 'routes' }),
        finding: of('known-unicast', { carrier: 'ipv4-udp' }),
        listener: { ...b, name: 'c', ips: [{ family: 4, address: '10.0.0.3', prefix: 32 }] },
        endpoints: [{ ...b, ips: [{ family: 4, address: '10.0.0.2', prefix: 32 }] }],
        ...more,
      });
    const toAddress = (addr: string): HostState => copy({ dup: { addr } });
    const routes = {
      step: { ...step, observers: [{ ...third, bridge: 'routes' }] },
      observer: { ...third, bridge: 'routes' },
    };
    expect(leak(toAddress('10.0.0.3'), routes)).toEqual({
      place: 'ip t c',
      value: 'dup to 10.0.0.3',
      text: 'a copy of each packet that the rule takes is routed to 10.0.0.3, which no attribute of a link shows',
      fix: 'nft delete rule ip t c handle 3',
    });
    expect(leak(copy({ dup: { addr: '10.0.0.9', dev: 'p2' } }), routes)?.value).toBe('dup to 10.0.0.9 device p2');
    expect(leak(toAddress('10.0.0.9'), routes)?.value).toBe('dup to 10.0.0.9');
    expect(leak(toAddress('10.0.0.2'), routes)).toBeNull();
    expect(leak(toAddress('10.0.0.3'), { ...routes, finding: of('known-unicast', { carrier: 'raw' }) })).toBeNull();
    expect(leak(copy({ xt: { type: 'target', name: 'TEE' } }), routes)).toMatchObject({
      value: 'TEE',
      fix: 'nft delete rule ip t c handle 3',
    });
    const legacyTables = [{ program: 'iptables-legacy', table: 'raw', rules: 1, targets: ['TEE'] }] as const;
    expect(leak(host({ legacyTables }), routes)).toMatchObject({
      place: 'iptables-legacy raw',
      fix: 'iptables-legacy -t raw -S names the rule; delete it with -D',
    });
  });
  it('is found on another host of the run, under its name', () => {
    const before = mergeStates([
      { host: null, state: host() },
      { host: 'hv2', state: dup('p0', 'p2') },
    ]);
    const far = {
      ...row({ before }),
      bridge: bridge({}, { name: 'hv2/br0' }),
      port: port({ ...p2, name: 'hv2/p2' }, {}),
    };
    expect(find(far)).toMatchObject({ place: 'hv2/netdev t c on p0', value: 'dup to p2' });
    expect(find({ ...far, port: port({ ...p2, name: 'hv2/p1' }, {}) })).toBeNull();
    expect(find({ before })).toBeNull();
  });
  it('is none of a bridge that the state does not know', () =>
    expect(find({ before: dup('p0', 'p2'), bridge: bridge({}, { name: 'br9' }) })).toBeNull());
  it('is none where there is no rule', () => expect(find({ fromPort: port(p0, {}) })).toBeNull());
});
