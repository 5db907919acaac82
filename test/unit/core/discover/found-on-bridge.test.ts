import { describe, expect, it } from 'vitest';
import { isOutward } from '../../../../src/core/bridge/view.js';
import { foundVlans, vlansInState } from '../../../../src/core/discover/found-vlans.js';
import { endpointName } from '../../../../src/core/discover/host-topology.js';
import { learnedAnew, listeningPorts, macsOnRecord } from '../../../../src/core/discover/listening-ports.js';
import type { HostState, LinkState } from '../../../../src/core/model/state.js';
import { hostState } from '../../../support/judge/perfect-run.js';
import { learnedAt, setLink } from '../../../support/link-state.js';
import { there } from '../../../support/there.js';

const link = (name: string, over: Partial<LinkState> = {}): LinkState => ({
  ...there(hostState().links[1]),
  name,
  ...over,
});
const state = (over: Partial<HostState> = {}): HostState => ({ ...hostState(), ...over });

describe('the name of an endpoint', () => {
  const name = (text: string, ...taken: readonly string[]): string => endpointName(text, new Set(taken));
  it.each([
    ['vnet0', 'vnet0'],
    ['a b/c', 'a-b-c'],
    ['a $/b', 'a-b'],
    ['$(id)', 'id-'],
    ['---x', 'x'],
    ['.hidden', 'hidden'],
    ['_x', 'x'],
    ['ä', 'port'],
    ['', 'port'],
    ['a.b_c-d', 'a.b_c-d'],
    ['x'.repeat(60), 'x'.repeat(56)],
  ])('made of %j is %s', (text, wanted) => expect(name(text)).toBe(wanted));
  it('that is taken gets the first number that is free', () => {
    expect(name('web', 'web')).toBe('web.2');
    expect(name('web', 'web', 'web.2', 'web.3')).toBe('web.4');
    expect(name('web', 'web.2')).toBe('web');
  });
});

describe('a link that leads out', () => {
  it.each(['bond', 'team', 'vlan', 'dsa', 'vxlan', 'gretap', 'ip6gretap', 'l2tpeth', 'geneve', null])(
    'is a NIC or what stands on one: %s',
    (kind) => expect(isOutward({ kind })).toBe(true),
  );
  it.each(['veth', 'tun', 'bridge'])('is no %s', (kind) => expect(isOutward({ kind })).toBe(false));
});

describe('VLANs of a port', () => {
  const vlan = [
    {
      ifname: 'p0',
      vlans: [
        { vlan: 1, flags: ['PVID', 'Egress Untagged'] },
        { vlan: 10, vlanEnd: 20 },
        { vlan: 30, vlanEnd: 30, flags: ['PVID'] },
        { vlan: 40, flags: ['Egress Untagged'] },
        { vlan: 'x' },
        { vlan: 50, flags: 'PVID' },
      ],
    },
    { ifname: 'p1', vlans: [{ vlan: 5 }] },
    { vlans: [{ vlan: 6 }] },
  ];
  const reported = [
    { vid: 1, pvid: true, untagged: true },
    { vid: '10-20' },
    { vid: 30, pvid: true },
    { vid: 40, untagged: true },
    { vid: 50 },
  ];
  it('are those that the kernel prints, ranges and flags as a file has them', () => {
    expect(vlansInState(state({ vlan }), 'p0')).toEqual(reported);
    expect(vlansInState(state({ vlan }), 'p9')).toEqual([]);
    expect(vlansInState(state({ vlan: null }), 'p0')).toEqual([]);
  });
  it.each<[SettingOf, boolean]>([
    [1, true],
    [true, true],
    [0, false],
    [false, false],
    [undefined, false],
  ])('mean something where the bridge filters: vlan_filtering %s', (setting, means) => {
    const settings = setLink('br0', { bridge: setting === undefined ? {} : { vlan_filtering: setting } });
    expect(foundVlans(settings(state({ vlan })), 'br0', 'p0')).toEqual(means ? reported : []);
  });
  it.each<[string, Readonly<Record<string, unknown>>, readonly object[]]>([
    ['nothing', {}, []],
    ['an access port', { tag: 10 }, [{ vid: 10, pvid: true, untagged: true }]],
    [
      'an access port that names trunks',
      { tag: 10, vlan_mode: 'access', trunks: ['set', [20]] },
      [{ vid: 10, pvid: true, untagged: true }],
    ],
    ['a trunk that carries frames without a tag too', { trunks: ['set', [0, 10]] }, [{ vid: 10 }]],
    ['an access port of no VLAN', { tag: 0 }, []],
    ['a trunk', { trunks: ['set', [22, 20, 21, 30]] }, [{ vid: '20-22' }, { vid: 30 }]],
    ['a trunk with a tag', { tag: 10, vlan_mode: 'trunk', trunks: ['set', [20, 10]] }, [{ vid: 20 }]],
    [
      'a native VLAN',
      { tag: 10, vlan_mode: 'native-untagged', trunks: ['set', [10, 20]] },
      [{ vid: 10, pvid: true, untagged: true }, { vid: 20 }],
    ],
    [
      'a native VLAN with its tag',
      { tag: 10, vlan_mode: 'native-tagged', trunks: 20 },
      [{ vid: 10, pvid: true }, { vid: 20 }],
    ],
  ])('of Open vSwitch are those of its port: %s', (_, columns, expected) => {
    const ovs = (name: string, of = 'br0') => ({
      bridges: [],
      mirrors: [],
      ports: [{ name, bridge: of, columns, ofport: 1, config: [] }],
    });
    expect(foundVlans(state({ vlan, ovs: ovs('p0') }), 'br0', 'p0')).toEqual(expected);
    for (const ovsState of [ovs('p1'), ovs('p0', 'br1')])
      expect(foundVlans(state({ vlan, ovs: ovsState }), 'br0', 'p0')).toEqual([]);
  });
  it('of a bridge that is not there mean nothing', () => expect(foundVlans(state({ vlan }), 'br9', 'p0')).toEqual([]));
});
type SettingOf = number | boolean | undefined;

describe('ports that can be heard', () => {
  const links = [
    ...state().links,
    link('$(id)'),
    link('id-'),
    link('down0', { flags: [] }),
    link('dark0', { flags: ['UP'] }),
    link('nic', { kind: null }),
    link('other', { master: 'br9' }),
  ];
  it('are those of the bridge with carrier, under names that files may have', () => {
    const { ports } = listeningPorts(state({ links }), 'br0', []);
    expect(ports.map(({ name, port, role }) => [name, port, role])).toEqual([
      ['p0', 'p0', 'guest'],
      ['p1', 'p1', 'guest'],
      ['p2', 'p2', 'guest'],
      ['p3', 'p3', 'guest'],
      ['id-', '$(id)', 'guest'],
      ['id-.2', 'id-', 'guest'],
      ['nic', 'nic', 'uplink'],
    ]);
  });
  it('are reported where they are asked for, else all', () => {
    expect(listeningPorts(state({ links }), 'br0', []).reported).toHaveLength(7);
    const { ports, reported } = listeningPorts(state({ links }), 'br0', ['p2', 'nic']);
    expect([ports.length, reported.map(({ port }) => port)]).toEqual([7, ['p2', 'nic']]);
  });
  it('are named, quoted, where one that is asked for is none', () => {
    expect(() => listeningPorts(state(), 'br0', ['p2', 'x\ny', 'down0'])).toThrow(
      expect.objectContaining({
        code: 'interface-gone',
        exitCode: 69,
        message: 'nothing can be heard at "x\\ny", "down0"',
        hint: 'ports of br0 that can be heard: "p0", "p1", "p2", "p3"',
      }),
    );
    expect(() => listeningPorts(state({ links: [] }), 'br0', ['p2'])).toThrow(
      expect.objectContaining({ hint: 'ports of br0 that can be heard: none' }),
    );
  });
  it('have on record the MACs that the bridge knew before and knows now', () => {
    const before = state({ fdb: [learnedAt('52:54:00:00:00:01', 'p0'), learnedAt('52:54:00:00:00:02', 'p1')] });
    const now = state({
      fdb: [
        learnedAt('52:54:00:00:00:01', 'p0'),
        learnedAt('52:54:00:00:00:09', 'p0'),
        learnedAt('52:54:00:00:00:08', 'p0', { master: 'br9' }),
      ],
    });
    const record = macsOnRecord(listeningPorts(state(), 'br0', []).ports, 'br0', [before, now]);
    expect([...record]).toEqual([
      ['p0', ['52:54:00:00:00:01', '52:54:00:00:00:09']],
      ['p1', ['52:54:00:00:00:02']],
      ['p2', []],
      ['p3', []],
    ]);
  });
  it('have what the bridge learned meanwhile, but for MACs on record at another port', () => {
    const [first, second, third] = ['52:54:00:00:00:01', '52:54:00:00:00:02', '52:54:00:00:00:03'];
    const before = state({ fdb: [learnedAt(first, 'p0'), learnedAt(third, 'p9', { master: 'br9' })] });
    const learned = [learnedAt(first, 'p1'), learnedAt(first, 'p0'), learnedAt(second, 'p1'), learnedAt(third, 'p1')];
    expect(learnedAnew(learned, before)).toEqual(learned.slice(1));
    expect(learnedAnew(learned, before, [{ mac: second, port: 'p0' }])).toEqual([learned[1], learned[3]]);
    expect(learnedAnew(learned, before, [{ mac: second, port: 'elsewhere' }])).toEqual(learned.slice(1));
  });
});

describe('MACs on record where a static entry has one at the wrong port', () => {
  const [right, wrong] = ['52:54:00:00:00:01', '52:54:00:00:00:02'];
  const fixed = (mac: string, port: string, how = 'static') => learnedAt(mac, port, { state: how });
  const now = state({ fdb: [fixed(right, 'p0'), fixed(wrong, 'p0')] });
  const recordOf = (who: Parameters<typeof macsOnRecord>[3]) =>
    Object.fromEntries(macsOnRecord(listeningPorts(now, 'br0', []).ports, 'br0', [now], who));

  it('are the ones of who speaks with them', () => {
    expect(recordOf({ spoke: new Map([['p1', [wrong]]]) })).toMatchObject({ p0: [right], p1: [wrong] });
  });

  it('are the ones of the guest whose device has them, also where it is silent or another speaks with them', () => {
    const guests = [{ mac: wrong, port: 'p1' }];
    expect(recordOf({ guests })).toMatchObject({ p0: [right], p1: [] });
    expect(recordOf({ guests, spoke: new Map([['p0', [wrong]]]) })).toMatchObject({ p0: [right], p1: [] });
  });

  it('are what the bridge says where nobody else has them, and where it learned them', () => {
    expect(recordOf({})).toMatchObject({ p0: [right, wrong], p1: [] });
    const learned = state({ fdb: [fixed(wrong, 'p0', '')] });
    const ports = listeningPorts(now, 'br0', []).ports;
    expect(macsOnRecord(ports, 'br0', [learned], { spoke: new Map([['p1', [wrong]]]) }).get('p0')).toEqual([wrong]);
  });
});
