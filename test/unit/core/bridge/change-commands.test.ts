import { describe, expect, it } from 'vitest';
import { changeCommands } from '../../../../src/core/bridge/change-commands.js';
import type { Change } from '../../../../src/core/model/fabric.js';

const words = (change: Change): readonly string[] =>
  changeCommands(change, (port) => `bridge-of-${port}`).map((argv) => argv.join(' '));
const set = (
  place: 'bridge' | 'port' | 'link',
  key: string,
  value: string | number | boolean,
  device = 'x',
): Change => ({ kind: 'set', device, place, key, value });
const range = (over: object = {}) => ({ first: 10, last: 10, pvid: false, untagged: false, ...over });
const entry = (over: object = {}) =>
  ({
    mac: '52:54:00:00:00:01',
    port: 'vnet0',
    state: 'static',
    sticky: false,
    vlan: null,
    self: false,
    ...over,
  }) as const;

describe('the command of a change', () => {
  it.each<[string, Change, string]>([
    ['a time of a bridge', set('bridge', 'ageing_time', 3000), 'ip link set dev x type bridge ageing_time 3000'],
    ['a switch of a bridge, on', set('bridge', 'stp_state', true), 'ip link set dev x type bridge stp_state 1'],
    ['a switch of a bridge, off', set('bridge', 'vlan_filtering', 0), 'ip link set dev x type bridge vlan_filtering 0'],
    ['a switch of a port, on', set('port', 'isolated', 'on'), 'ip link set dev x type bridge_slave isolated on'],
    ['a switch of a port, off', set('port', 'flood', false), 'ip link set dev x type bridge_slave flood off'],
    ['a switch in words', set('port', 'flood', 'true'), 'ip link set dev x type bridge_slave flood on'],
    ['a switch as a digit', set('port', 'flood', '1'), 'ip link set dev x type bridge_slave flood on'],
    [
      'a setting whose option has another name',
      set('port', 'multicast_router', 2),
      'ip link set dev x type bridge_slave mcast_router 2',
    ],
    [
      'a mask by number',
      set('bridge', 'group_fwd_mask', 0x4000),
      'ip link set dev x type bridge group_fwd_mask 0x4000',
    ],
    [
      'a mask as the kernel prints it',
      set('bridge', 'group_fwd_mask', '4000'),
      'ip link set dev x type bridge group_fwd_mask 0x4000',
    ],
    [
      'a mask as people write it',
      set('bridge', 'group_fwd_mask', '0x4000'),
      'ip link set dev x type bridge group_fwd_mask 0x4000',
    ],
    [
      'a setting that this version does not know',
      set('bridge', 'new_setting', 7),
      'ip link set dev x type bridge new_setting 7',
    ],
    ['the MTU', set('link', 'mtu', 9000), 'ip link set dev x mtu 9000'],
    ['an interface that comes up', set('link', 'up', true), 'ip link set dev x up'],
    ['an interface that goes down', set('link', 'up', 0), 'ip link set dev x down'],
    ['an interface called -n', set('link', 'up', 0, '-n'), 'ip link set dev -n down'],
    [
      'a column of Open vSwitch',
      { kind: 'ovs-set', table: 'Bridge', device: 'br0', key: 'flood_vlans', value: '10,20' },
      'ovs-vsctl set Bridge br0 flood_vlans=10,20',
    ],
    [
      'a switch of a port of Open vSwitch',
      { kind: 'ovs-set', table: 'Port', device: 'vnet0', key: 'protected', value: true },
      'ovs-vsctl set Port vnet0 protected=true',
    ],
    [
      'a port of Open vSwitch that takes no floods',
      { kind: 'ovs-set', table: 'Port', device: 'vnet0', key: 'flood', value: false },
      'ovs-ofctl mod-port bridge-of-vnet0 vnet0 no-flood',
    ],
    [
      'a port of Open vSwitch that takes floods',
      { kind: 'ovs-set', table: 'Port', device: 'vnet0', key: 'flood', value: 'on' },
      'ovs-ofctl mod-port bridge-of-vnet0 vnet0 flood',
    ],
    ['the table of Open vSwitch, emptied', { kind: 'fdb-flush', bridge: 'br0', ovs: true }, 'ovs-appctl fdb/flush br0'],
    [
      'a mirror of one port',
      { kind: 'mirror', bridge: 'br0', mirror: { name: 'm', select: 'vnet0', output: 'vnet4' } },
      'ovs-vsctl --id=@out get Port vnet4 -- --id=@in get Port vnet0 -- --id=@mirror create Mirror name=m output_port=@out select_src_port=@in select_dst_port=@in -- add Bridge br0 mirrors @mirror',
    ],
    [
      'a mirror of all',
      { kind: 'mirror', bridge: 'br0', mirror: { name: 'm', select: 'all', output: 'vnet4' } },
      'ovs-vsctl --id=@out get Port vnet4 -- --id=@mirror create Mirror name=m output_port=@out select_all=true -- add Bridge br0 mirrors @mirror',
    ],
    ['a sysctl', { kind: 'sysctl', name: 'net.ipv4.ip_forward', value: '1' }, 'sysctl -w net.ipv4.ip_forward=1'],
    [
      'a VLAN',
      { kind: 'vlan', act: 'add', entry: { port: 'vnet0', ...range({ pvid: true, untagged: true }) }, self: false },
      'bridge vlan add dev vnet0 vid 10 pvid untagged',
    ],
    [
      'VLANs of the bridge itself',
      { kind: 'vlan', act: 'add', entry: { port: 'br0', ...range({ last: 20 }) }, self: true },
      'bridge vlan add dev br0 vid 10-20 self',
    ],
    [
      'a VLAN that goes',
      { kind: 'vlan', act: 'del', entry: { port: 'vnet0', ...range({ pvid: true, untagged: true }) }, self: false },
      'bridge vlan del dev vnet0 vid 10',
    ],
    [
      'the VLAN of untagged frames of a port of Open vSwitch',
      {
        kind: 'vlan',
        act: 'add',
        entry: { port: 'vnet0', ...range({ pvid: true, untagged: true }) },
        self: false,
        ovs: true,
      },
      'ovs-vsctl set Port vnet0 tag=10',
    ],
    [
      'further VLANs of a port of Open vSwitch',
      { kind: 'vlan', act: 'add', entry: { port: 'vnet0', ...range({ last: 12 }) }, self: false, ovs: true },
      'ovs-vsctl add Port vnet0 trunks 10-12',
    ],
    [
      'VLANs that go from a port of Open vSwitch',
      { kind: 'vlan', act: 'del', entry: { port: 'vnet0', ...range({ last: 11 }) }, self: false, ovs: true },
      'ovs-vsctl remove Port vnet0 trunks 10-11 -- remove Port vnet0 tag 10-11',
    ],
    [
      'an entry of Open vSwitch',
      { kind: 'fdb', act: 'add', entry: entry(), ovs: true },
      'ovs-appctl fdb/add bridge-of-vnet0 vnet0 0 52:54:00:00:00:01',
    ],
    [
      'an entry of Open vSwitch that goes from a VLAN',
      { kind: 'fdb', act: 'del', entry: entry({ vlan: 7 }), ovs: true },
      'ovs-appctl fdb/del bridge-of-vnet0 7 52:54:00:00:00:01',
    ],
    ['an emptied table', { kind: 'fdb-flush', bridge: 'br0' }, 'ip link set dev br0 type bridge fdb_flush'],
    [
      'an entry',
      { kind: 'fdb', act: 'add', entry: entry() },
      'bridge fdb replace 52:54:00:00:00:01 dev vnet0 master static',
    ],
    [
      'a sticky entry in a VLAN',
      { kind: 'fdb', act: 'add', entry: entry({ sticky: true, vlan: 7 }) },
      'bridge fdb replace 52:54:00:00:00:01 dev vnet0 master static sticky vlan 7',
    ],
    [
      'an entry of the bridge itself',
      { kind: 'fdb', act: 'add', entry: entry({ port: 'br0', self: true }) },
      'bridge fdb add 52:54:00:00:00:01 dev br0 self permanent',
    ],
    [
      'an entry that goes',
      { kind: 'fdb', act: 'del', entry: entry({ vlan: 7 }) },
      'bridge fdb del 52:54:00:00:00:01 dev vnet0 master vlan 7',
    ],
    [
      'a member',
      { kind: 'mdb', act: 'add', bridge: 'br0', entry: { group: '239.1.1.1', port: 'vnet0', vlan: 7 } },
      'bridge mdb add dev br0 port vnet0 grp 239.1.1.1 permanent vid 7',
    ],
    [
      'a member that goes, of a bridge to be looked up',
      { kind: 'mdb', act: 'del', bridge: '', entry: { group: '239.1.1.1', port: 'vnet0', vlan: null } },
      'bridge mdb del dev bridge-of-vnet0 port vnet0 grp 239.1.1.1',
    ],
    ['a command of the scenario', { kind: 'run', argv: ['nft', '-f', 'a b.nft'] }, 'nft -f a b.nft'],
  ])('%s', (_, change, expected) => expect(words(change)).toEqual([expected]));

  it('is none for who comes and goes', () => {
    expect(words({ kind: 'start', endpoint: 'a' })).toEqual([]);
    expect(words({ kind: 'stop', endpoint: 'a' })).toEqual([]);
  });
});
