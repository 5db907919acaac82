import { expect, it } from 'vitest';
import type { Change } from '../../src/model/change.js';
import { changesOf } from '../../src/plan/changes.js';
import { scenario, step } from '../judge/perfect-run.js';

const { topology } = scenario([]);
const vlan = (port: string) => ({ port, first: 10, last: 10, pvid: false, untagged: false });
const fdb = (mac: string) => ({ mac, port: 'p0', state: 'static', sticky: false, vlan: null, self: false }) as const;
const mdb = (port: string) => ({ group: '239.1.1.1', port, vlan: null });

it('changes come in the order of the contract: set, sysctl, VLANs, table, groups, stop, start, run', () => {
  const changes = changesOf(step({
    run: [['nft', 'flush', 'ruleset']], start: ['late'], stop: ['c'], mdb: { add: [mdb('p1')], del: [mdb('tap9')] }, fdb: { flush: ['br0'], del: [fdb('02:00:00:00:00:01')], add: [fdb('02:00:00:00:00:02')] },
    vlan: { add: [vlan('br0')], del: [vlan('p0')] }, sysctl: { 'net.ipv4.ip_forward': '1' },
    set: [{ device: 'br0', settings: { ageing_time: 0, mtu: 9000 } }, { device: 'p0', settings: { isolated: 'on', up: 'off' } }],
  }), topology);
  expect(changes).toEqual<readonly Change[]>([
    { kind: 'set', device: 'br0', place: 'bridge', key: 'ageing_time', value: 0 }, { kind: 'set', device: 'br0', place: 'link', key: 'mtu', value: 9000 },
    { kind: 'set', device: 'p0', place: 'port', key: 'isolated', value: 'on' }, { kind: 'set', device: 'p0', place: 'link', key: 'up', value: 'off' },
    { kind: 'sysctl', name: 'net.ipv4.ip_forward', value: '1' },
    { kind: 'vlan', act: 'add', entry: vlan('br0'), self: true }, { kind: 'vlan', act: 'del', entry: vlan('p0'), self: false },
    { kind: 'fdb-flush', bridge: 'br0' }, { kind: 'fdb', act: 'del', entry: fdb('02:00:00:00:00:01') }, { kind: 'fdb', act: 'add', entry: fdb('02:00:00:00:00:02') },
    { kind: 'mdb', act: 'add', bridge: 'br0', entry: mdb('p1') }, { kind: 'mdb', act: 'del', bridge: 'tap9', entry: mdb('tap9') },
    { kind: 'stop', endpoint: 'c' }, { kind: 'start', endpoint: 'late' }, { kind: 'run', argv: ['nft', 'flush', 'ruleset'] },
  ]);
});

it('VLANs that go from the bridge itself are its own, those of a port are not', () => {
  const own = (entries: readonly Change[]): readonly (boolean | null)[] => entries.map((one) => (one.kind === 'vlan' ? one.self : null));
  expect(own(changesOf(step({ vlan: { add: [vlan('p0')], del: [vlan('br0')] } }), topology))).toEqual([false, true]);
});

it('a member whose port is behind no bridge is one of the device itself', () => {
  const behind = { ...topology, endpoints: topology.endpoints.map((one) => ({ ...one, port: null })) };
  expect(changesOf(step({ mdb: { add: [mdb('br0')], del: [] } }), behind)).toMatchObject([{ kind: 'mdb', bridge: 'br0' }]);
});
