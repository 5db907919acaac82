import { expect, it } from 'vitest';
import { distinguishingBridges } from '../../../../src/core/bridge/connections.js';
import type { HostState } from '../../../../src/core/model/state.js';
import { stateWith, upLink } from '../../../support/link-state.js';

const rule = (family: string, ...expr: readonly unknown[]): Partial<HostState> => ({
  nft: { nftables: [{ metainfo: {} }, { rule: { family, table: 't', chain: 'c', expr } }] },
});
const stateful = { match: { op: 'in', left: { ct: { key: 'state' } }, right: ['established', 'related'] } };
const byMap = { vmap: { key: { ct: { key: 'state' } }, data: { set: [['invalid', { drop: null }]] } } };
const byXt = { xt: { type: 'match', name: 'conntrack' } };
const handedOver = { sysctl: { 'net.bridge.bridge-nf-call-iptables': '1' } };
const handing = upLink('br0', { kind: 'bridge', bridge: { nf_call_iptables: 1 } });
const match = (protocol: string, field: string, right: unknown) => ({
  match: { op: '==', left: { payload: { protocol, field } }, right },
});
const legacy = { legacyTables: [{ program: 'iptables-legacy', table: 'filter', rules: 1, targets: [] }] } as const;

const flow = (text: string): Partial<HostState> => ({
  ovs: { bridges: [{ name: 'br0', columns: {}, flows: [text] }], ports: [], mirrors: [] },
});

it.each<[string, Partial<HostState>, readonly string[]]>([
  ['a rule of bridges', rule('bridge', stateful), ['br0']],
  ['a map of states', rule('bridge', byMap), ['br0']],
  ['a rule of IP that bridged packets do not come to', rule('inet', stateful), []],
  ['a rule of IP by br_netfilter', { ...rule('ip', { counter: null }, byXt), ...handedOver }, ['br0']],
  ['a rule of IP, and one bridge hands over', { ...rule('ip', byXt), links: [handing] }, ['br0']],
  ['a rule that asks nothing of it', { ...rule('ip', { drop: null }), ...handedOver }, []],
  ['legacy rules by br_netfilter', { ...legacy, ...handedOver }, ['br0']],
  ['legacy rules otherwise', legacy, []],
  ['an action of tc', { tc: { filters: { 'vnet0 ingress': [{ options: { actions: [{ kind: 'ct' }] } }] } } }, ['br0']],
  ['a flow of Open vSwitch', flow('table=0, priority=1,ct_state=-trk,ip actions=ct(table=1)'), ['br0']],
  ['a rule that reads ICMP', rule('bridge', match('icmp', 'type', 'echo-request'), { drop: null }), ['br0']],
  ['a rule that reads the protocol', rule('bridge', match('ip', 'protocol', 'icmp'), { drop: null }), ['br0']],
  ['a rule that reads the hop limit', rule('bridge', match('ip', 'ttl', 1), { drop: null }), ['br0']],
  ['a rule of MACs and addresses', rule('bridge', match('ether', 'saddr', 'x'), match('ip', 'saddr', 'y')), []],
  ['a match of iptables on UDP', { ...rule('ip', { xt: { type: 'match', name: 'udp' } }), ...handedOver }, ['br0']],
  ['a match of iptables on a port', { ...rule('ip', { xt: { type: 'match', name: 'physdev' } }), ...handedOver }, []],
  ['a flow that reads ICMP', flow('priority=9,icmp actions=drop'), ['br0']],
  ['a flow of Open vSwitch without', flow('priority=0 actions=NORMAL'), []],
  ['rules of another host', { nft: { hosts: { hv2: { nftables: [{ rule: { expr: [stateful] } }] } } } }, ['hv2/br0']],
])('connections are tracked where they may be asked about: %s', (_, state, expected) =>
  expect(distinguishingBridges(stateWith([], state), ['br0', 'hv2/br0'])).toEqual(expected),
);
