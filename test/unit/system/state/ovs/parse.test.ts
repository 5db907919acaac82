import { describe, expect, it } from 'vitest';
import type { LinkState } from '../../../../../src/core/model/state.js';
import { parseOvs, withOvs, type OvsTexts } from '../../../../../src/system/state/ovs/parse.js';

const set = (...members: readonly unknown[]): unknown => ['set', members];
const id = (name: string): unknown => ['uuid', name];
const link = (name: string): LinkState => ({
  name,
  ifindex: 1,
  mac: '02:00:00:00:00:01',
  mtu: 1500,
  flags: ['UP', 'LOWER_UP'],
  operstate: 'UP',
  master: null,
  promiscuity: 1,
  kind: 'veth',
  sysFlags: null,
  bridge: null,
  port: null,
});

/** As ovs-vsctl, ovs-ofctl and ovs-appctl 3.5.0 print a bridge in user space with three ports. */
const texts: OvsTexts = {
  bridges: [
    {
      _uuid: id('B'),
      name: 'br0',
      ports: set(id('L'), id('P0'), id('P1'), id('P2')),
      mirrors: id('M'),
      flood_vlans: 0,
      fail_mode: 'standalone',
      other_config: ['map', [['mac-table-size', '10']]],
      statistics: ['map', []],
    },
  ],
  ports: [
    { _uuid: id('L'), name: 'br0', tag: set() },
    { _uuid: id('P0'), name: 'vnet0', protected: true, tag: 10 },
    { _uuid: id('P1'), name: 'vnet1', protected: false, tag: set() },
    { _uuid: id('P2'), name: 'gone', protected: false, tag: set() },
  ],
  interfaces: [
    { name: 'br0', ofport: 65534 },
    { name: 'vnet0', ofport: 1 },
    { name: 'vnet1', ofport: 2 },
    { name: 'gone', ofport: -1 },
  ],
  mirrors: [
    {
      _uuid: id('M'),
      name: 'tap',
      select_all: false,
      select_src_port: id('P0'),
      select_dst_port: set(id('P0')),
      output_port: id('P1'),
    },
  ],
  show: {
    br0: `OFPT_FEATURES_REPLY (xid=0x2): dpid:00007a8d44c5a64a
 1(vnet0): addr:02:00:00:00:00:01
     config:     0
     state:      0
 2(vnet1): addr:02:00:00:00:00:02
     config:     NO_FLOOD
     state:      0
 LOCAL(br0): addr:02:00:00:00:00:00
     config:     0
`,
  },
  flows: {
    br0: ' cookie=0x0, duration=2.113s, table=0, n_packets=5, n_bytes=300, priority=100,dl_dst=00:11:22:33:44:55 actions=FLOOD\n cookie=0x0, duration=9.1s, table=0, n_packets=85, n_bytes=6502, idle_age=1, priority=0 actions=NORMAL\n',
  },
  fdb: {
    br0: ' port  VLAN  MAC                Age\n    1     0  52:54:00:85:20:d1    3\n    2    10  52:54:00:27:4e:0a  static\nLOCAL     0  02:00:00:00:00:00    1\n    9     0  52:54:00:00:00:09    1\n',
  },
};

describe('what Open vSwitch prints', () => {
  it('is read to bridges, ports and mirrors, without what moves by itself', () => {
    expect(parseOvs(texts)).toEqual({
      bridges: [
        {
          name: 'br0',
          columns: { flood_vlans: 0, fail_mode: 'standalone', other_config: ['map', [['mac-table-size', '10']]] },
          flows: ['table=0, priority=100,dl_dst=00:11:22:33:44:55 actions=FLOOD', 'table=0, priority=0 actions=NORMAL'],
        },
      ],
      ports: [
        { name: 'vnet0', bridge: 'br0', columns: { protected: true, tag: 10 }, ofport: 1, config: [] },
        {
          name: 'vnet1',
          bridge: 'br0',
          columns: { protected: false, tag: ['set', []] },
          ofport: 2,
          config: ['NO_FLOOD'],
        },
        { name: 'gone', bridge: 'br0', columns: { protected: false, tag: ['set', []] }, ofport: null, config: [] },
      ],
      mirrors: [{ name: 'tap', bridge: 'br0', outputPort: 'vnet1', ports: ['vnet0'], leaving: ['vnet0'] }],
    });
  });

  it('tells what a port is where it is no interface of the kernel', () => {
    const [, vnet0, vnet1, gone] = texts.ports;
    const reported = parseOvs({
      ...texts,
      ports: [
        { ...vnet0, interfaces: id('I0') },
        { ...vnet1, interfaces: set(id('I1'), id('I2')) },
        { ...gone, interfaces: id('I3') },
      ],
      interfaces: [
        { name: 'vnet0', ofport: 1, type: '' },
        { name: 'eth1', ofport: 2, type: '' },
        { name: 'eth2', ofport: 3, type: '' },
        { name: 'gone', ofport: 4, type: 'patch' },
      ],
    });
    expect(reported.ports.map(({ name, ofport, type }) => [name, ofport, type])).toEqual([
      ['vnet0', 1, undefined],
      ['vnet1', null, 'bond'],
      ['gone', 4, 'patch'],
    ]);
  });

  it('has the MAC that a manager wrote, and patch ports as pairs', () => {
    const [bridge = {}] = texts.bridges;
    const patch = (name: string, peer: string) => ({
      name,
      ofport: 7,
      type: 'patch',
      options: ['map', [['peer', peer]]],
    });
    const { links, ovs } = withOvs(
      { links: ['br0', 'br1', 'vnet0', 'vnet1'].map(link), fdb: [] },
      {
        ...texts,
        bridges: [bridge, { ...bridge, name: 'br1', ports: set(id('Q')), mirrors: set() }],
        ports: [...texts.ports, { _uuid: id('Q'), name: 'far' }],
        interfaces: [
          {
            name: 'vnet0',
            ofport: 1,
            external_ids: [
              'map',
              [
                ['iface-id', 'x'],
                ['attached-mac', 'FA:16:3E:00:00:07'],
              ],
            ],
          },
          { name: 'vnet1', ofport: 2, external_ids: ['map', [['attached-mac', 'none']]] },
          patch('gone', 'far'),
          patch('far', 'gone'),
        ],
      },
    );
    expect(ovs.ports.map(({ name, mac, peer }) => [name, mac, peer])).toEqual([
      ['vnet0', 'fa:16:3e:00:00:07', undefined],
      ['vnet1', undefined, undefined],
      ['gone', undefined, 'far'],
      ['far', undefined, 'gone'],
    ]);
    expect(links.flatMap(({ name, kind, master, lower }) => (kind === 'patch' ? [[name, master, lower]] : []))).toEqual(
      [
        ['gone', 'br0', 'far'],
        ['far', 'br1', 'gone'],
      ],
    );
  });

  it('says who gets samples of frames, by sFlow and IPFIX, and not by NetFlow, which has none', () => {
    const [bridge = {}] = texts.bridges;
    const sampled = { ...bridge, sflow: id('S'), ipfix: set(), netflow: id('N') };
    const columns = parseOvs({ ...texts, bridges: [sampled] }).bridges[0]?.columns;
    expect(columns).toMatchObject({ sflow: id('S'), ipfix: set() });
    expect(columns).not.toHaveProperty('netflow');
  });

  it('is alike in later versions of OpenFlow', () => {
    const flow =
      ' cookie=0x0, duration=0.273s, table=0, n_packets=0, n_bytes=0, reset_counts idle_age=0, priority=100,dl_dst=00:11:22:33:44:55 actions=FLOOD\n';
    expect(
      parseOvs({ ...texts, flows: { br0: `OFPST_FLOW reply (OF1.5) (xid=0x2):\n${flow}` } }).bridges[0]?.flows,
    ).toEqual(['table=0, priority=100,dl_dst=00:11:22:33:44:55 actions=FLOOD']);
  });

  it('makes links and entries like those of a kernel bridge; a port that the switch has not taken does not forward', () => {
    const { links, fdb } = withOvs({ links: ['br0', 'vnet0', 'vnet1', 'gone', 'eth0'].map(link), fdb: [] }, texts);
    expect(
      links.map(({ name, kind, master, port }) => [
        name,
        kind,
        master,
        port?.['state'] ?? null,
        port?.['flood'] ?? null,
      ]),
    ).toEqual([
      ['br0', 'openvswitch', null, null, null],
      ['vnet0', 'veth', 'br0', 'forwarding', true],
      ['vnet1', 'veth', 'br0', 'forwarding', false],
      ['gone', 'veth', 'br0', 'disabled', true],
      ['eth0', 'veth', null, null, null],
    ]);
    expect(fdb.map(({ mac, port, vlan, state }) => [mac, port, vlan, state])).toEqual([
      ['52:54:00:85:20:d1', 'vnet0', null, 'dynamic'],
      ['52:54:00:27:4e:0a', 'vnet1', 10, 'static'],
      ['02:00:00:00:00:00', 'br0', null, 'dynamic'],
    ]);
  });

  it('is nothing where it is not what was expected', () => {
    expect(
      parseOvs({
        bridges: [{ name: 7, ports: 'x', mirrors: null }],
        ports: [{}],
        interfaces: [],
        mirrors: [],
        show: {},
        flows: {},
        fdb: {},
      }),
    ).toMatchObject({ ports: [], mirrors: [] });
  });
});
