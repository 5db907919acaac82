import { expect, it } from 'vitest';
import type { Change } from '../../../../src/core/model/fabric.js';
import { changesOf } from '../../../../src/core/plan/changes.js';
import { scenario, step } from '../../../support/judge/perfect-run.js';

const { topology } = scenario([]);
const vlan = (port: string) => ({ port, first: 10, last: 10, pvid: false, untagged: false });
const fdb = (mac: string) => ({ mac, port: 'p0', state: 'static', sticky: false, vlan: null, self: false }) as const;
const mdb = (port: string) => ({ group: '239.1.1.1', port, vlan: null });

it('changes come in the order of the contract: set, sysctl, VLANs, table, groups, stop, start, run', () => {
  const changes = changesOf(
    step({
      run: [['nft', 'flush', 'ruleset']],
      start: ['late'],
      stop: ['c'],
      mdb: { add: [mdb('p1')], del: [mdb('tap9')] },
      fdb: { flush: ['br0'], del: [fdb('02:00:00:00:00:01')], add: [fdb('02:00:00:00:00:02')] },
      vlan: { add: [vlan('br0')], del: [vlan('p0')] },
      sysctl: { 'net.ipv4.ip_forward': '1' },
      set: [
        { device: 'br0', settings: { ageing_time: 0, mtu: 9000 } },
        { device: 'p0', settings: { isolated: 'on', up: 'off' } },
      ],
    }),
    topology,
  );
  expect(changes).toEqual<readonly Change[]>([
    { kind: 'set', device: 'br0', place: 'bridge', key: 'ageing_time', value: 0 },
    { kind: 'set', device: 'br0', place: 'link', key: 'mtu', value: 9000 },
    { kind: 'set', device: 'p0', place: 'port', key: 'isolated', value: 'on' },
    { kind: 'set', device: 'p0', place: 'link', key: 'up', value: 'off' },
    { kind: 'sysctl', name: 'net.ipv4.ip_forward', value: '1' },
    { kind: 'vlan', act: 'add', entry: vlan('br0'), self: true },
    { kind: 'vlan', act: 'del', entry: vlan('p0'), self: false },
    { kind: 'fdb-flush', bridge: 'br0' },
    { kind: 'fdb', act: 'del', entry: fdb('02:00:00:00:00:01') },
    { kind: 'fdb', act: 'add', entry: fdb('02:00:00:00:00:02') },
    { kind: 'mdb', act: 'add', bridge: 'br0', entry: mdb('p1') },
    { kind: 'mdb', act: 'del', bridge: 'tap9', entry: mdb('tap9') },
    { kind: 'stop', endpoint: 'c' },
    { kind: 'start', endpoint: 'late' },
    { kind: 'run', argv: ['nft', 'flush', 'ruleset'] },
  ]);
});

it('VLANs that go from the bridge itself are its own, those of a port are not', () => {
  const selves = (entries: readonly Change[]): readonly (boolean | null)[] =>
    entries.map((entry) => (entry.kind === 'vlan' ? entry.self : null));
  expect(selves(changesOf(step({ vlan: { add: [vlan('p0')], del: [vlan('br0')] } }), topology))).toEqual([false, true]);
});

it('a member whose port is behind no bridge is one of the device itself', () => {
  const behind = { ...topology, endpoints: topology.endpoints.map((endpoint) => ({ ...endpoint, port: null })) };
  expect(changesOf(step({ mdb: { add: [mdb('br0')], del: [] } }), behind)).toMatchObject([
    { kind: 'mdb', bridge: 'br0' },
  ]);
});

it('settings of Open vSwitch are its own, and those of any link are not', () => {
  const switched = { ...topology, bridges: topology.bridges.map((bridge) => ({ ...bridge, kind: 'ovs' as const })) };
  const set = [
    { device: 'br0', settings: { flood_vlans: '10', mtu: 9000 } },
    { device: 'p0', settings: { flood: false } },
    { device: 'tap9', settings: { protected: true } },
  ];
  expect(changesOf(step({ set, fdb: { flush: ['br0'], del: [], add: [] } }), switched)).toEqual<readonly Change[]>([
    { kind: 'ovs-set', table: 'Bridge', device: 'br0', key: 'flood_vlans', value: '10' },
    { kind: 'set', device: 'br0', place: 'link', key: 'mtu', value: 9000 },
    { kind: 'ovs-set', table: 'Port', device: 'p0', key: 'flood', value: false },
    { kind: 'ovs-set', table: 'Port', device: 'tap9', key: 'protected', value: true },
    { kind: 'fdb-flush', bridge: 'br0', ovs: true },
  ]);
  expect(
    changesOf(
      step({
        vlan: { add: [vlan('p0')], del: [vlan('br0')] },
        fdb: { flush: [], del: [fdb('02:00:00:00:00:01')], add: [{ ...fdb('02:00:00:00:00:02'), port: 'tap9' }] },
      }),
      switched,
    ),
  ).toMatchObject([
    { kind: 'vlan', act: 'add', self: false, ovs: true },
    { kind: 'vlan', act: 'del', self: true, ovs: true },
    { kind: 'fdb', act: 'del', ovs: true },
    { kind: 'fdb', act: 'add', ovs: true },
  ]);
});

it('a host’s first step begins with what the topology says of bridges and ports; the lab is built so', () => {
  const mirror = { name: 'm', select: 'all', output: 'p1' };
  const said = {
    ...topology,
    provider: 'host' as const,
    bridges: topology.bridges.map((bridge) => ({ ...bridge, settings: { ageing_time: 3000 }, mirrors: [mirror] })),
    endpoints: topology.endpoints.map((endpoint, at) =>
      at === 0 ? { ...endpoint, settings: { flood: false } } : endpoint,
    ),
  };
  const ownStep = step({ set: [{ device: 'br0', settings: { ageing_time: 0 } }] });
  expect(changesOf(ownStep, said, true)).toEqual<readonly Change[]>([
    { kind: 'set', device: 'br0', place: 'bridge', key: 'ageing_time', value: 3000 },
    { kind: 'set', device: 'p0', place: 'port', key: 'flood', value: false },
    { kind: 'mirror', bridge: 'br0', mirror },
    { kind: 'set', device: 'br0', place: 'bridge', key: 'ageing_time', value: 0 },
  ]);
  expect([changesOf(ownStep, said).length, changesOf(ownStep, { ...said, provider: 'lab' }, true).length]).toEqual([
    1, 1,
  ]);
});
