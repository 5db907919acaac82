import { describe, expect, it } from 'vitest';
import { numbersIn } from '../../../../../src/core/bridge/weaknesses/ovs.js';
import type { RowContext } from '../../../../../src/core/bridge/row-context.js';
import type { OvsMirrorState, OvsPortState, OvsState } from '../../../../../src/core/model/state.js';
import { a, b, entry, group, host, links, macOfB, of, port } from '../../../../support/judge/row-fixture.js';
import { findAsText } from '../../../../support/judge/find-as-text.js';

const bridgeOfOvs = (
  columns: Readonly<Record<string, unknown>> = {},
  flows: readonly string[] = [],
): OvsState['bridges'][number] => ({ name: 'br0', columns, flows });
const ovsPort = (
  name: string,
  ofport: number,
  columns: Readonly<Record<string, unknown>> = {},
  config: readonly string[] = [],
): OvsPortState => ({ name, bridge: 'br0', columns, ofport, config });
const ports = [ovsPort('p0', 1), ovsPort('p1', 2), ovsPort('p2', 3)] as const;
const ovs = (over: Partial<OvsState> = {}): Partial<RowContext> => ({
  before: host({ ovs: { bridges: [bridgeOfOvs()], ports, mirrors: [], ...over } }),
});
const flows = (...texts: readonly string[]): Partial<RowContext> => ovs({ bridges: [bridgeOfOvs({}, texts)] });
const mirror = (over: Partial<OvsMirrorState> = {}): Partial<RowContext> =>
  ovs({ mirrors: [{ name: 'm0', bridge: 'br0', outputPort: 'p2', ports: ['p0'], ...over }] });
const otherBridge: Partial<RowContext> = ovs({
  bridges: [
    {
      ...bridgeOfOvs({ flood_vlans: 0, other_config: ['map', [['mac-table-size', '1']]] }, ['actions=FLOOD']),
      name: 'br1',
    },
  ],
});
const learned = (count: number) =>
  host({
    fdb: [
      ...Array.from({ length: count }, (_, at) => entry({ mac: `02:00:00:00:01:0${at}` })),
      entry({ state: 'static' }),
      entry({ master: 'br1' }),
    ],
  });

describe('a mirror of Open vSwitch', () => {
  const find = findAsText('ovs-mirror');
  it('copies frames of the sender or the addressee to the observer’s port', () => {
    expect(find(mirror())).toEqual({
      place: 'mirror m0',
      value: 'p0 to p2',
      text: 'the mirror m0 of br0 copies frames of p0 to p2',
      fix: 'ovs-vsctl -- --id=@m get Mirror m0 -- remove Bridge br0 mirrors @m',
    });
    expect(find(mirror({ ports: ['p9', 'p1'] }))).toMatchObject({
      value: 'p9, p1 to p2',
      text: expect.stringContaining('frames of p9 and p1 to p2'),
    });
    expect(find(mirror({ ports: null }))).toMatchObject({
      value: 'all ports to p2',
      text: expect.stringContaining('of all ports to'),
    });
  });
  it('copies what floods to a port of which it takes what leaves, within the VLAN', () => {
    const tagged = (tag: number | undefined, over: Partial<OvsMirrorState>, more: Partial<RowContext>): unknown =>
      find({
        ...ovs({
          ports: [ovsPort('p0', 1, { tag: 10 }), ports[1], ports[2], ovsPort('p9', 9, { tag })],
          mirrors: [{ name: 'm0', bridge: 'br0', outputPort: 'p2', ports: ['p9'], ...over }],
        }),
        ...more,
      });
    const broadcast = { dstMac: 'ff:ff:ff:ff:ff:ff' };
    const leaving = { leaving: ['p9'] };
    expect(tagged(10, leaving, broadcast)).not.toBeNull();
    expect(tagged(undefined, leaving, broadcast)).not.toBeNull();
    expect(tagged(20, leaving, broadcast)).toBeNull();
    expect(tagged(10, {}, broadcast)).toBeNull();
    // known in another VLAN alone, it floods in this one
    expect(tagged(10, leaving, { entries: [entry({ vlan: 20 })] })).not.toBeNull();
    expect(tagged(10, leaving, { entries: [entry({ vlan: 10 })] })).toBeNull();
  });
  it.each<[string, Partial<RowContext>]>([
    ['is of another bridge', mirror({ bridge: 'br1' })],
    ['goes elsewhere', mirror({ outputPort: 'p1' })],
    ['goes to no port', mirror({ outputPort: null })],
    ['is of ports of others', mirror({ ports: ['p3'] })],
    ['cannot reach who has no port', { ...mirror({ outputPort: null }), port: null }],
    ['does not exist', ovs()],
    ['is no Open vSwitch’s', {}],
    ['is on a switch that has not this bridge', otherBridge],
  ])('is no cause where it %s', (_, over) => expect(find(over)).toBeNull());
});

describe('a flow of Open vSwitch', () => {
  const find = findAsText('ovs-flood-flow');
  it.each([
    ['floods', 'priority=0 actions=FLOOD', 'ovs-ofctl --strict mod-flows br0 priority=0,actions=NORMAL'],
    [
      'goes to all',
      'table=1, priority=5,in_port=p0 actions=ALL',
      'ovs-ofctl --strict mod-flows br0 table=1,priority=5,in_port=p0,actions=NORMAL',
    ],
    [
      'names the observer’s port',
      'in_port=p0, dl_type=0x88b5 actions=output:"p2"',
      'ovs-ofctl --strict del-flows br0 in_port=p0,dl_type=0x88b5',
    ],
    [
      'names it by its number',
      'idle_timeout=60, actions=NORMAL, output:3',
      'ovs-ofctl --strict mod-flows br0 actions=NORMAL',
    ],
    ['is in small letters', 'actions=flood', 'ovs-ofctl --strict mod-flows br0 actions=NORMAL'],
    [
      'has actions with their own',
      'priority=7,in_port=p0 actions=learn(table=1,hard_timeout=5),output:3',
      'ovs-ofctl --strict del-flows br0 priority=7,in_port=p0',
    ],
  ])('that %s sends frames there whatever was learned', (_, text, fix) => {
    expect(find(flows('priority=0 actions=NORMAL', text))).toEqual({
      place: 'a flow of br0',
      value: text,
      text: 'a flow of br0 sends such frames to p2, whatever the switch has learned',
      fix,
    });
  });
  it('of a bridge that speaks no OpenFlow 1.0 is taken away in a version that it speaks', () => {
    const speaking = (protocols: unknown): string | undefined =>
      find(ovs({ bridges: [bridgeOfOvs({ protocols }, ['in_port=p0 actions=ALL'])] }))?.fix;
    expect(
      [
        ['set', []],
        'OpenFlow10',
        ['set', ['OpenFlow10', 'OpenFlow13']],
        'OpenFlow13',
        ['set', ['OpenFlow13', 'OpenFlow15']],
      ].map(speaking),
    ).toEqual([
      ...Array.from({ length: 3 }, () => 'ovs-ofctl --strict mod-flows br0 in_port=p0,actions=NORMAL'),
      'ovs-ofctl -O OpenFlow13 --strict mod-flows br0 in_port=p0,actions=NORMAL',
      'ovs-ofctl -O OpenFlow13,OpenFlow15 --strict mod-flows br0 in_port=p0,actions=NORMAL',
    ]);
  });
  it.each([
    ['another port', 'in_port=p1 actions=FLOOD'],
    ['another port by its number', 'in_port=2 actions=FLOOD'],
    ['another sender', 'dl_src=02:00:00:00:00:99 actions=FLOOD'],
    ['another addressee', 'dl_dst=02:00:00:00:00:99 actions=FLOOD'],
    ['packets of IP', 'ip,nw_src=10.0.0.1 actions=FLOOD'],
    ['tagged frames', 'dl_vlan=10 actions=FLOOD'],
  ])('that takes frames of %s is no cause of what raw frames did', (_, text) =>
    expect(find(flows('priority=0 actions=NORMAL', text))).toBeNull(),
  );
  it('behind one that is sure to take the frame is no cause, and behind one that may take it is', () => {
    const behind = (first: string): boolean =>
      find(flows(`priority=9,${first} actions=NORMAL`, 'priority=5 actions=FLOOD')) !== null;
    expect([behind('in_port=p0'), behind(`dl_dst=${macOfB}`), behind('in_port=p1')]).toEqual([false, false, true]);
    expect([
      behind('table=1,in_port=p0'),
      behind('ct_state=+trk'),
      behind('dl_src=02:00:00:00:00:00/ff:00:00:00:00:00'),
    ]).toEqual([true, true, true]);
  });
  it('that floods reaches who has no port of the switch too', () =>
    expect(find({ ...flows('actions=FLOOD'), port: null })?.text).toContain('to every port'));
  it.each([
    'actions=NORMAL',
    'actions=output:"p1"',
    'actions=output:1',
    'actions=drop',
    'actions=FLOODS',
    'actions=xALL',
    'actions=output:33',
    'FLOOD',
    'actions=xoutput:3',
    'actions=output:3x',
  ])('%s is no cause', (text) => expect(find(flows(text))).toBeNull());
  it('of another bridge is no cause', () => expect(find(otherBridge)).toBeNull());
});

describe('a VLAN in which Open vSwitch learns nothing', () => {
  const find = findAsText('ovs-flood-vlans');
  const flooding = (vlans: unknown, tag: unknown = []): Partial<RowContext> =>
    ovs({ bridges: [bridgeOfOvs({ flood_vlans: vlans })], ports: [ovsPort('p0', 1, { tag }), ...ports.slice(1)] });
  it('floods what is sent in it', () => {
    expect(find({ ...flooding(['set', [20, 10]]), finding: of('known-unicast', { vlan: [10] }) })).toEqual({
      place: 'br0.flood_vlans',
      value: '10',
      text: 'br0 learns nothing in VLAN 10, so it floods all unicast there like a hub',
      fix: 'ovs-vsctl remove Bridge br0 flood_vlans 10',
    });
  });
  it('is the tag of the sender’s port where the frame has none, and 0 where neither has', () => {
    expect(find(flooding(20, 20))).toMatchObject({ value: '20' });
    expect(find(flooding(0))).toMatchObject({ value: '0' });
    expect(find({ ...flooding(0), fromPort: null })).toMatchObject({ value: '0' });
  });
  it.each<[string, Partial<RowContext>]>([
    ['another VLAN', flooding(20, 10)],
    ['the port’s tag where the frame has one', { ...flooding(20, 20), finding: of('known-unicast', { vlan: [10] }) }],
    ['a group', { ...flooding(0), dstMac: group }],
    ['another bridge', otherBridge],
    ['no such VLAN', ovs()],
  ])('is not %s', (_, over) => expect(find(over)).toBeNull());
});

describe('ports that Open vSwitch protects from each other', () => {
  const find = findAsText('ovs-protected');
  const protectedPorts = (...names: readonly string[]): Partial<RowContext> =>
    ovs({ ports: ports.map((port) => ({ ...port, columns: { protected: names.includes(port.name) } })) });
  it('flood what one sends to the other to those that are not, while the addressee is unknown', () => {
    expect(find(protectedPorts('p0', 'p1'))).toEqual({
      place: 'p2.protected',
      value: 'false',
      text: 'p0 and p1 are protected from each other; br0 floods what one sends to the other to ports that are not, such as p2',
      fix: 'ovs-vsctl set Port p2 protected=true',
    });
  });
  it.each<[string, Partial<RowContext>]>([
    ['the sender is not', protectedPorts('p1')],
    ['the addressee is not', protectedPorts('p0')],
    ['the observer is too', protectedPorts('p0', 'p1', 'p2')],
    ['the addressee is known', { ...protectedPorts('p0', 'p1'), entries: [entry()] }],
    ['it is a group', { ...protectedPorts('p0', 'p1'), dstMac: group }],
    ['the observer has no port', { ...protectedPorts('p0', 'p1'), port: null }],
    ['nobody is addressed', { ...protectedPorts('p0', 'p1'), to: null }],
    ['it is no Open vSwitch', {}],
  ])('are no cause where %s', (_, over) => expect(find(over)).toBeNull());
});

describe('a full table of Open vSwitch', () => {
  const find = findAsText('ovs-table-full');
  const size = (of2: string | null): OvsState => ({
    bridges: [
      bridgeOfOvs(
        of2 === null
          ? {}
          : {
              other_config: [
                'map',
                [
                  ['other', '1'],
                  ['mac-table-size', of2],
                ],
              ],
            },
      ),
    ],
    ports,
    mirrors: [],
  });
  it('forgets a MAC for each that it learns, before the probes or after', () => {
    const reported = {
      place: 'br0.other_config:mac-table-size',
      value: '4 of 4',
      fix: 'ovs-vsctl set Bridge br0 other_config:mac-table-size=8192',
    };
    expect(find({ before: { ...learned(4), ovs: size('4') }, after: host() })).toMatchObject(reported);
    expect(find({ before: { ...host(), ovs: size('4') }, after: learned(4) })).toMatchObject(reported);
    expect(find({ before: { ...learned(5), ovs: size('5') }, after: learned(2) })?.text).toContain(
      'the table of br0 is full',
    );
  });
  it('is made twice as large where that is more than the usual', () => {
    const many = host({ fdb: Array.from({ length: 5000 }, () => entry()) });
    expect(find({ before: { ...many, ovs: size('5000') } })?.fix).toContain('mac-table-size=10000');
  });
  it.each<[string, Partial<RowContext>]>([
    ['there is room', { before: { ...learned(3), ovs: size('4') } }],
    ['the usual size is not reached', { before: { ...learned(9), ovs: size(null) } }],
    ['it is a group', { before: { ...learned(4), ovs: size('4') }, dstMac: group }],
    ['it is another bridge', otherBridge],
  ])('is not told where %s', (_, over) => expect(find(over)).toBeNull());
});

describe('a MAC that Open vSwitch does not know', () => {
  const find = findAsText('ovs-unknown-flood');
  it('is flooded to ports that take it', () => {
    expect(find(ovs())).toEqual({
      place: 'p2.no-flood',
      value: 'off',
      text: `br0 has no entry for ${macOfB}, and p2 takes what is flooded`,
      fix: 'ovs-ofctl mod-port br0 p2 no-flood',
    });
  });
  it('is kept from a port in OpenFlow 1.0 alone, which the bridge has to speak', () => {
    expect(find(ovs({ bridges: [bridgeOfOvs({ protocols: 'OpenFlow13' })] }))?.fix).toBe(
      'ovs-vsctl add Bridge br0 protocols OpenFlow10 && ovs-ofctl mod-port br0 p2 no-flood',
    );
  });
  it.each<[string, Partial<RowContext>]>([
    ['it is known', { ...ovs(), entries: [entry()] }],
    ['the port takes nothing', ovs({ ports: [...ports.slice(0, 2), ovsPort('p2', 3, {}, ['NO_FLOOD'])] })],
    [
      'the observer has no port of the switch',
      {
        ...ovs(),
        port: port(links.p1, {}),
        before: host({ ovs: { bridges: [bridgeOfOvs()], ports: [], mirrors: [] } }),
      },
    ],
    ['it is a group', { ...ovs(), dstMac: group }],
    [
      'the observer is in another VLAN',
      ovs({ ports: [ovsPort('p0', 1, { tag: 10 }), ports[1], ovsPort('p2', 3, { tag: 20 })] }),
    ],
    ['a flow floods on purpose', flows('actions=FLOOD')],
    ['the VLAN floods on purpose', ovs({ bridges: [bridgeOfOvs({ flood_vlans: 0 })] })],
    ['it is no Open vSwitch', {}],
  ])('is no cause where %s', (_, over) => expect(find(over)).toBeNull());
});

describe('a port of Open vSwitch', () => {
  it('counts on its own bridge only', () => {
    const elsewhere = ovs({ ports: ports.map((port) => ({ ...port, bridge: 'br1' })) });
    expect(findAsText('ovs-unknown-flood')({ ...elsewhere, from: a, to: b })).toBeNull();
    expect(
      findAsText('ovs-mirror')({
        before: host({
          ovs: {
            bridges: [bridgeOfOvs()],
            ports: ports.map((port) => ({ ...port, bridge: 'br1' })),
            mirrors: [{ name: 'm', bridge: 'br0', outputPort: 'p2', ports: null }],
          },
        }),
      }),
    ).toBeNull();
  });
});

describe('a column of Open vSwitch', () => {
  it('of numbers is one by itself, a set, or nothing (RFC 7047 5.1)', () => {
    expect([
      numbersIn(7),
      numbersIn(['set', [7, 'x', 8]]),
      numbersIn(['set', []]),
      numbersIn(undefined),
      numbersIn(['map', [7]]),
      numbersIn('7'),
    ]).toEqual([[7], [7, 8], [], [], [], []]);
    expect(numbersIn(['set', 7])).toEqual([]);
  });
});
