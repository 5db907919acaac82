import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { audit, auditStatus, readersNotKnown, readersOn } from '../../../../src/core/audit/audit.js';
import type { AuditId } from '../../../../src/core/model/codes.js';
import { parseLinks } from '../../../../src/system/state/parse-links.js';
import type { Settings } from '../../../../src/core/model/scenario.js';
import type { PacketSocket } from '../../../../src/core/model/packet-socket.js';
import type { FdbState, OvsRecord, Snapshot } from '../../../../src/core/model/state.js';
import { setBridges, setLink, setPorts, type StateChange } from '../../../support/link-state.js';
import { behindFirewall, defaultBridge as rest, recorded, withState } from '../../../support/snapshots/recorded.js';
import { nothingBeside, withRouted } from '../../../support/snapshots/routed.js';
import { parseOvsTable } from '../../../../src/system/state/ovs/read.js';

const restWith = (...changes: readonly StateChange[]): Snapshot => withState(rest, ...changes);
const withBridge = (settings: Settings, base = rest): Snapshot => withState(base, setBridges(settings));
const withPort = (name: string, settings: Settings, base = rest): Snapshot => withState(base, setPorts(settings, name));
const withPorts = (settings: Settings): Snapshot => restWith(setPorts(settings));
const withSysctl = (name: string, value: string, base = rest): Snapshot =>
  withState(base, { sysctl: { ...base.state.sysctl, [name]: value } });
const withFdb = (fdb: readonly FdbState[]): Snapshot => restWith({ fdb });
const withProgram = (device: string): Snapshot => restWith({ programs: [{ device, place: 'tcx ingress', id: 7 }] });
const withSockets = (...packetSockets: readonly PacketSocket[]): Snapshot => ({ ...rest, packetSockets });
const withVmnet = (mode: number): Snapshot => ({ ...rest, vmnet: [{ path: '/dev/vmnet8', mode, group: 0 }] });
/** A rule of policy routing for marked packets, whose table leads to that device what is for the first guest. */
const withRule = (dev: string): Snapshot => {
  const rules = [{ priority: 100, src: 'all', fwmark: '0x1', table: '7' }];
  const routes = [{ dst: '10.1.0.1', dev, table: '7' }];
  const routing = { ipv4: { rules, routes }, ipv6: { rules: [], routes: [] } };
  return withState(withRouted({}, 'forward'), { routing });
};
const ownMac = '02:76:69:00:00:00';
const ids = (snapshot: Snapshot): readonly string[] => audit(snapshot).findings.map(({ id }) => id);
const findingOf = (snapshot: Snapshot, code: AuditId) => audit(snapshot).findings.find(({ id }) => id === code);

/** For each rule a bridge where it speaks and one beside it where it does not. */
const cases: Readonly<Record<AuditId, readonly [speaks: Snapshot, silent: Snapshot]>> = {
  'ageing-zero': [withBridge({ ageing_time: 0 }), rest],
  'bridge-promiscuous': [restWith(setLink('br0', { sysFlags: 0x1103, promiscuity: 1 })), rest],
  'behind-bridge': [recorded('diverted'), rest],
  'sniffer-on-host': [
    withSockets({ inode: '1', ifindex: 0, protocol: '0003', holders: [], own: false }),
    withSockets(
      { inode: '1', ifindex: 0, protocol: '0003', holders: [], own: true },
      { inode: '2', ifindex: 0, protocol: '0800', holders: [], own: false },
    ),
  ],
  'tc-mirror': [recorded('diverted'), rest],
  'nft-mirror': [recorded('diverted'), rest],
  'xdp-program': [restWith(setLink('vnet0', { xdp: 'program id 12' })), rest],
  'bypass-possible': [withProgram('vnet0'), withProgram('eth9')],
  'learning-off': [
    withPort('vnet0', { learning: false }),
    withPort(
      'vnet0',
      { learning: false },
      withFdb(rest.state.fdb.map((entry) => (entry.mac === ownMac ? { ...entry, state: 'static' } : entry))),
    ),
  ],
  'isolated-one-sided': [withPort('vnet0', { isolated: true }), withPorts({ isolated: true })],
  'proxmox-firewall-port': [behindFirewall('tap100i0', false), behindFirewall('tap100i0', true)],
  'fdb-limit': [withBridge({ fdb_max_learned: 3, fdb_n_learned: 3 }), rest],
  'unknown-flood': [rest, withPorts({ flood: false })],
  'host-forwards': [withSysctl('net.ipv4.ip_forward', '1'), rest],
  'mcast-router-port': [withPort('vnet1', { multicast_router: 2 }), rest],
  'mac-bypass': [withPort('vnet1', { mab: true }), rest],
  'backup-port': [withPort('vnet1', { backup_port: 'vnet2' }), rest],
  'stp-open': [
    rest,
    withBridge(
      { stp_state: 1 },
      withPort('vnet0', { guard: true }, withPort('vnet1', { root_block: true }, withPort('vnet2', { guard: true }))),
    ),
  ],
  'mac-stealable': [
    rest,
    withFdb(
      rest.state.fdb.map((entry) =>
        entry.state === 'dynamic' ? { ...entry, state: 'static', flags: ['sticky'] } : entry,
      ),
    ),
  ],
  'link-local-forwarded': [withBridge({ group_fwd_mask: '4000' }), rest],
  'vlan-unfiltered': [rest, withBridge({ vlan_filtering: 1, vlan_default_pvid: 0 })],
  'no-querier': [rest, withBridge({ mcast_querier: 1 })],
  'multicast-flood': [rest, withPorts({ mcast_flood: false })],
  hairpin: [withPort('vnet1', { hairpin: true }), rest],
  'broadcast-flood': [rest, withPorts({ bcast_flood: false })],
  'not-locked': [rest, withPorts({ locked: true })],
  'neighbour-suppression': [withPort('vnet1', { neigh_suppress: true }), rest],
  'proxy-arp': [withPort('vnet1', { proxy_arp: true }), rest],
  'bridge-chain-skipped': [withForwardChain(0), withForwardChain(-200)],
  'netfilter-skipped': [withSysctl('net.bridge.bridge-nf-call-iptables', '0'), rest],
  'not-forwarding': [withPort('vnet1', { state: 'disabled' }), rest],
  'macvlan-bridge': [withMacvtaps('bridge'), withMacvtaps('private')],
  'routed-spoofable': [withRouted({ rp_filter: '0' }), withRouted({ rp_filter: '1' })],
  'routed-local': [withRouted({ accept_local: '1' }), withRouted({ accept_local: '0', route_localnet: '0' })],
  'policy-route': [withRule('cali2'), withRule('cali1')],
  'routed-open': [withRouted({}), withRouted({}, 'forward')],
  'guests-unbridged': [withRouted({}), { ...rest, beside: nothingBeside }],
  'vmnet-writable': [withVmnet(0o666), withVmnet(0o660)],
  'vmnet-present': [withVmnet(0o660), rest],
  'ovs-flooding': [withOvs(), withOvs({ flood_vlans: ['set', []] })],
  'ovs-mirror': [withOvs(), withOvs({ mirrors: ['set', []] })],
  'ovs-protected-one-sided': [withOvs(), withOvs({}, { protected: true })],
  'ovs-fail-open': [withOvs(), withOvs({ fail_mode: 'secure' })],
  'ovs-small-table': [withOvs(), withOvs({ other_config: ['map', []] })],
};

/** A chain that drops bridged frames, beside br_netfilter. */
function withForwardChain(prio: number): Snapshot {
  const chain = { family: 'bridge', table: 'tenants', name: 'forward' };
  const rule = { family: 'bridge', table: 'tenants', chain: 'forward', handle: 4, expr: [{ drop: null }] };
  const nft = [{ chain: { ...chain, hook: 'forward', type: 'filter', prio, policy: 'accept' } }, { rule }];
  return withState(withSysctl('net.bridge.bridge-nf-call-iptables', '1'), { nft: { nftables: nft } });
}

/** Two guests on eth0, and one on eth1, which is with nobody. */
function withMacvtaps(mode: string): Snapshot {
  const on = (lower: string, name: string, ifindex: number): object => ({
    ifindex,
    ifname: name,
    link: lower,
    linkinfo: { info_kind: 'macvtap', info_data: { mode } },
  });
  const taps = parseLinks(
    [on('eth0', 'macvtap0', 91), on('eth0', 'macvtap1', 92), on('eth1', 'macvtap2', 93)],
    () => null,
  );
  return restWith({ links: [...rest.state.links, ...taps] });
}

/**
 * Recorded from Open vSwitch 3.5: br1 with three guests and all that a rule speaks of, br2 as it comes; with columns of
 * br1 and of its ports changed.
 */
function withOvs(bridge: OvsRecord = {}, port: OvsRecord = {}): Snapshot {
  const ovs: NonNullable<Snapshot['ovs']> = JSON.parse(
    readFileSync(new URL('../../../support/snapshots/ovs.json', import.meta.url), 'utf8'),
  );
  return {
    ...rest,
    ovs: {
      ...ovs,
      bridges: ovs.bridges.map((row) => (row['name'] === 'br1' ? { ...row, ...bridge } : row)),
      ports: ovs.ports.map((row) => ({ ...row, ...port })),
    },
  };
}

describe.each(Object.entries(cases))('%s', (id, [speaks, silent]) => {
  it('speaks where there is reason to', () => expect(ids(speaks)).toContain(id));
  it('is silent where there is none', () => expect(ids(silent)).not.toContain(id));
});

describe('an audit', () => {
  const promiscuous = restWith(setLink('br0', { promiscuity: 1 }));
  const br0 = rest.state.links.find(({ name }) => name === 'br0')?.ifindex ?? 0;

  it('does not cry wolf over ageing 0 on a bridge of two ports', () => {
    const two = restWith({ links: rest.state.links.filter(({ name }) => name !== 'vnet2') });
    expect(ids(withBridge({ ageing_time: 0 }, two))).not.toContain('ageing-zero');
  });
  it('calls a setting that the kernel does not tell unknown, never fine', () => {
    const isKnown = ([key]: readonly [string, unknown]): boolean => !['isolated', 'locked'].includes(key);
    const old = setLink('vnet0', ({ port }) => ({
      port: Object.fromEntries(Object.entries(port ?? {}).filter(isKnown)),
    }));
    expect(
      audit(restWith(old)).settings.filter(({ value, place }) => value === 'unknown' && place.startsWith('vnet0')),
    ).toEqual([
      { place: 'vnet0.isolated', value: 'unknown' },
      { place: 'vnet0.locked', value: 'unknown' },
    ]);
  });
  it('tells the worst first, and names where each value was read', () => {
    const { findings } = audit(recorded('diverted'));
    expect(
      findings.map(({ severity }) => severity).filter((severity, at, severities) => severity !== severities[at - 1]),
    ).toEqual(['high', 'medium', 'low', 'info']);
    expect(findings.filter(({ readFrom, text }) => readFrom === '' || text === '')).toEqual([]);
  });
  it('names bridge, ports and values of Open vSwitch', () => {
    expect(
      audit(withOvs())
        .findings.filter(({ id }) => id.startsWith('ovs-'))
        .map(({ id, place, value }) => `${id}: ${place} = ${value}`),
    ).toEqual([
      'ovs-mirror: br1 mirror m0 = vnet0 to vnet2',
      'ovs-flooding: br1.flood_vlans = 0',
      'ovs-protected-one-sided: vnet0.protected = true, alone',
      'ovs-small-table: br1.other_config:mac-table-size = 10',
      'ovs-fail-open: br1.fail_mode = not set, which is standalone',
    ]);
  });
  it('takes who holds a bridge promiscuous for a reader, and one that nobody holds for a possible one', () => {
    const held = (...packetSockets: readonly PacketSocket[]) =>
      readersOn('br0', [{ ...promiscuous, packetSockets }]).flatMap(({ id, isCertain }) =>
        id === 'bridge-promiscuous' ? [isCertain] : [],
      );
    const socket = { inode: '1', ifindex: br0, protocol: '0800', holders: [], own: false };
    expect(held()).toEqual([false]);
    expect(held(socket)).toEqual([true]);
    expect(held({ ...socket, promiscuous: [] })).toEqual([false]);
    expect(held({ ...socket, ifindex: 0, promiscuous: [br0] })).toEqual([true]);
    expect(held({ ...socket, own: true })).toEqual([false]);
  });

  it('does not know of readers in parts that could not be read, but for what is configured', () => {
    const why = 'it is refused';
    const unread = ['programs', 'what ifupdown declares'].map((what) => ({ what, why }));
    expect(readersNotKnown([rest])).toEqual([]);
    expect(readersNotKnown([restWith({ unread }), restWith({ unread })])).toEqual(['programs: it is refused']);
    expect(readersNotKnown([{ ...rest, packetSockets: null }])).toEqual(['packet sockets: they could not be read']);
  });

  it('names who holds the bridge promiscuous', () => {
    const holders = [{ pid: 812, name: 'vmnet-bridge' }];
    const held = {
      ...promiscuous,
      packetSockets: [{ inode: '7', ifindex: br0, protocol: '0003', holders, own: false }],
    };
    expect(findingOf(held, 'bridge-promiscuous')?.value).toContain('vmnet-bridge (812)');
  });
  it.each([
    ['stp-open', withBridge({ stp_state: 1 }), /^bridge link set dev vnet\d root_block on$/],
    ['stp-open', withBridge({ stp_state: 0 }), /^nft add table bridge guard && .* iifname vnet0 .* drop, and a rule/],
    // a port that is locked before its guest has an entry takes nothing of it
    ['not-locked', rest, /^bridge fdb replace [^ ]+ dev vnet0 master static && .* vnet0 learning off locked on$/],
    [
      'not-locked',
      withFdb([]),
      /^after a static entry for the guest: bridge link set dev vnet0 learning off locked on$/,
    ],
    ['fdb-limit', cases['fdb-limit'][0], /^ip link set dev br0 type bridge fdb_max_learned 0, or a static entry/],
    ['routed-open', withRouted({}), /^nft add table inet isolation && .* iifname '\{ cali1, cali2 \}' .* drop$/],
    ['ovs-flooding', withOvs(), /^ovs-vsctl remove Bridge br1 flood_vlans 0$/],
    ['ovs-small-table', withOvs(), /^ovs-vsctl set Bridge br1 other_config:mac-table-size=8192$/],
  ] as const)('advises what a run advises against %s', (code, snapshot, fix) => {
    expect(findingOf(snapshot, code)?.fix).toMatch(fix);
  });

  it('gives fixes that a shell takes literally whatever an interface is called', () => {
    expect(
      audit(restWith(setLink('vnet0', { name: '$(id)' }))).findings.find(({ place }) => place.startsWith('$(id).flood'))
        ?.fix,
    ).toBe("bridge link set dev '$(id)' flood off");
  });
  it('ends with 2 on what is at or above --fail-on, else 3 where something could not be read, else 0', () => {
    const report = audit(rest);
    const blind = { ...report, unread: [{ what: 'nft', why: 'Operation not permitted' }] };
    expect(auditStatus(report, 'high')).toBe(0);
    expect(auditStatus(report, 'medium')).toBe(2);
    expect(auditStatus(blind, 'high')).toBe(3);
    expect(auditStatus(blind, 'low')).toBe(2);
  });
});

it('reads the tables of Open vSwitch', () => {
  expect(
    parseOvsTable({
      headings: ['name', 'flood_vlans'],
      data: [
        ['br0', ['set', []]],
        ['br1', 0],
      ],
    }),
  ).toEqual([
    { name: 'br0', flood_vlans: ['set', []] },
    { name: 'br1', flood_vlans: 0 },
  ]);
});

it.each([
  [rest, 'broadcast-flood', 'it loses IPv4'],
  [withPort('vnet0', { isolated: true }), 'isolated-one-sided', 'do not reach each other'],
  [withSysctl('net.ipv4.ip_forward', '1'), 'host-forwards', 'no longer reaches the other through the host'],
  [rest, 'unknown-flood', 'not reached until it speaks'],
] as const)('has the price of a fix that takes something from guests: $1', (snapshot, code, cost) => {
  const finding = audit(snapshot).findings.find(({ id, fix }) => id === code && fix !== null);
  expect(finding?.cost).toContain(cost);
});

describe('what would be bypass-possible in a run', () => {
  const found = (snapshot: Snapshot): readonly string[] =>
    audit(snapshot)
      .findings.filter(({ id }) => id === 'bypass-possible')
      .map(({ place, value, text, fix }) => `${value} at ${place}: ${text}; ${fix ?? ''}`);
  const socket = { inode: '4', ifindex: 3, protocol: '0800', holders: [{ pid: 7, name: 'relayd' }], own: false };
  /** ldh [12], jeq #k: taken where the frame's type is k. */
  const onlyType = (type: number): string =>
    [
      '280000000c000000',
      `15000001${type
        .toString(16)
        .padStart(4, '0')
        .replace(/(..)(..)/, '$2$1')}0000`,
      '0600000000000400',
      '0600000000000000',
    ].join('');
  const withSocket = (more: object): Snapshot => withSockets({ ...socket, ...more });

  it('is found with the same words as the reason has, and with what would acquit it', () => {
    expect(found(withProgram('vnet0'))).toEqual([
      'BPF program 7 at vnet0 tcx ingress: it may carry frames past the ears, so that no run on this bridge holds while it stands there; detach it if it should not be there, for its effect cannot be read',
    ]);
  });

  it('is a packet socket that takes what probes are, and none whose filter refuses them', () => {
    const port = rest.state.links.find(({ name }) => name === 'vnet0')?.ifindex ?? 0;
    expect(found(withSocket({ ifindex: port }))).toEqual([
      expect.stringMatching(/^packet socket of relayd at vnet0: it may carry frames past the ears/),
    ]);
    expect(found(withSocket({ ifindex: port, protocol: '88cc' }))).toEqual([]);
    expect(found(withSocket({ ifindex: port, filter: onlyType(0x0800) }))).toHaveLength(1);
    expect(found(withSocket({ ifindex: port, filter: onlyType(0x88cc) }))).toEqual([]);
    expect(found(withSocket({ ifindex: port, own: true }))).toEqual([]);
  });

  it('is told once: XDP at a port and a socket for every frame have findings of their own', () => {
    expect(found(restWith(setLink('vnet0', { xdp: 'program id 12' })))).toEqual([]);
    expect(found(withSocket({ ifindex: 0, protocol: '0003' }))).toEqual([]);
  });
});
