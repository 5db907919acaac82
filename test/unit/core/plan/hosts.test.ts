import { describe, expect, it } from 'vitest';
import { legacyTablesOf, stateAround, statesByHost } from '../../../../src/core/bridge/states-by-host.js';
import { mergeStates } from '../../../../src/core/plan/hosts.js';
import type { HostState, LinkState } from '../../../../src/core/model/state.js';
import { learnedAt } from '../../../support/link-state.js';

const link = (name: string, master: string | null): LinkState => ({
  name,
  ifindex: 1,
  mac: '02:00:00:00:00:01',
  mtu: 1500,
  flags: ['UP'],
  operstate: 'UP',
  master,
  promiscuity: 0,
  kind: null,
  sysFlags: null,
  bridge: null,
  port: null,
});
const state = (table: string): HostState => ({
  links: [link('br0', null), link('p0', 'br0')],
  fdb: [learnedAt('02:00:00:00:00:02', 'p0')],
  vlan: [{ ifname: 'p0', vlans: [{ vlan: 1 }] }],
  mdb: [{ mdb: [{ dev: 'br0', port: 'p0', grp: '239.1.1.1' }], router: { br0: [{ port: 'p0' }] } }],
  tc: { qdisc: [{ dev: 'p0', kind: 'clsact' }], filters: { 'p0 ingress': [] } },
  nft: { nftables: [{ table: { name: table } }] },
  sysctl: { 'net.ipv4.ip_forward': '0' },
  drops: null,
  programs: null,
  unread: [{ what: 'nft', why: 'no' }],
});

describe('the states of several hosts as one', () => {
  const both = () =>
    mergeStates([
      { host: null, state: state('here') },
      { host: 'hv2', state: state('there') },
    ]);

  it('call what is elsewhere HOST/NAME, everywhere', () => {
    const merged = both();
    expect(merged.links.map(({ name, master }) => [name, master])).toEqual([
      ['br0', null],
      ['p0', 'br0'],
      ['hv2/br0', null],
      ['hv2/p0', 'hv2/br0'],
    ]);
    expect(merged.fdb.map(({ port, master }) => [port, master])).toEqual([
      ['p0', 'br0'],
      ['hv2/p0', 'hv2/br0'],
    ]);
    expect(merged.vlan).toMatchObject([{ ifname: 'p0' }, { ifname: 'hv2/p0' }]);
    expect(merged.mdb).toMatchObject([
      {},
      { mdb: [{ dev: 'hv2/br0', port: 'hv2/p0' }], router: { 'hv2/br0': [{ port: 'hv2/p0' }] } },
    ]);
    expect(merged.tc).toMatchObject({ qdisc: [{ dev: 'p0' }, { dev: 'hv2/p0' }], filters: { 'hv2/p0 ingress': [] } });
    expect(merged.unread.map(({ what }) => what)).toEqual(['nft', 'hv2/nft']);
    expect(merged.sysctl).toEqual({ 'net.ipv4.ip_forward': '0', 'hv2/net.ipv4.ip_forward': '0' });
  });

  it('keep rules of nft of other hosts apart, where a change of them shows', () => {
    expect(both().nft).toEqual({
      nftables: [{ table: { name: 'here' } }],
      hosts: { hv2: { nftables: [{ table: { name: 'there' } }] } },
    });
  });

  it('leave values alone that name no device', () => {
    const odd = mergeStates([
      {
        host: 'hv2',
        state: {
          ...state('there'),
          vlan: [{ ifname: 7, vlans: 'p0' }, 'p0'],
          mdb: [{ mdb: [{ dev: 'br0', grp: 'br0' }, 5] }],
          tc: { qdisc: [{ dev: null, kind: 'p0' }] },
        },
      },
    ]);
    expect(odd.vlan).toEqual([{ ifname: 7, vlans: 'p0' }]);
    expect(odd.mdb).toEqual([{ mdb: [{ dev: 'hv2/br0', grp: 'br0' }], router: {} }]);
    expect(odd.tc).toEqual({ qdisc: [{ dev: null, kind: 'p0' }], filters: {} });
  });

  it('have Open vSwitch and packet sockets of this host alone, and no rules of it where it is not among them', () => {
    const ovs = { bridges: [], ports: [], mirrors: [] };
    const local = { ...state('here'), ovs, packetSockets: null };
    expect(
      mergeStates([
        { host: 'hv2', state: { ...state('there'), ovs, packetSockets: [] } },
        { host: null, state: local },
      ]),
    ).toMatchObject({ ovs, packetSockets: null });
    const elsewhere = mergeStates([{ host: 'hv2', state: { ...local, nft: 'x' } }]);
    expect(elsewhere).not.toHaveProperty('ovs');
    expect(elsewhere).not.toHaveProperty('packetSockets');
    expect(elsewhere.nft).toEqual({ nftables: [], hosts: { hv2: 'x' } });
    expect(both()).not.toHaveProperty('ovs');
  });

  it('are taken apart again, as each kernel calls its devices', () => {
    const of = (table: string, inode: string): HostState => ({
      ...state(table),
      packetSockets: [{ inode, ifindex: 1, protocol: '0003', holders: [], own: false }],
      programs: [{ device: 'p0', place: 'tcx ingress', id: 3 }],
      logGroups: [5],
      hardware: { p0: ['l2-fwd-offload'] },
      legacyTables: [{ program: 'iptables-legacy', table, rules: 1, targets: ['TEE'] }],
    });
    const parts = [
      { host: null, state: of('here', '1') },
      { host: 'hv2', state: of('there', '2') },
    ];
    const { unread: _, ...here } = of('here', '1');
    const { unread: __, ...there } = of('there', '2');
    const apart = statesByHost(mergeStates(parts));
    expect(apart.map(({ host }) => host)).toEqual([null, 'hv2']);
    expect(apart.map((part) => part.state)).toMatchObject([here, there]);
    expect(apart[0]?.state.links).toHaveLength(2);
    expect(legacyTablesOf(mergeStates(parts)).map((tables) => tables?.[0]?.table)).toEqual(['here', 'there']);
    expect(stateAround('hv2/br0', mergeStates(parts)).state).toEqual(apart[1]?.state);
    const alone = state('here');
    expect(statesByHost(alone)).toEqual([{ host: null, state: alone }]);
    expect(stateAround('hv2/br0', alone)).toEqual({ host: null, state: alone });
  });

  it('of one host are what it said', () => {
    const merged = mergeStates([{ host: null, state: state('here') }]);
    expect(merged).toEqual({ ...state('here'), nft: { nftables: [{ table: { name: 'here' } }], hosts: {} } });
  });
});
