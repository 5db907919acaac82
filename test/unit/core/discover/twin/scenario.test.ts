import { describe, expect, it } from 'vitest';
import { bridgeDefaults, portDefaults } from '../../../../../src/core/bridge/kernel-defaults.js';
import type { Found, FoundScenario } from '../../../../../src/core/discover/found-scenario.js';
import { copiedEntries } from '../../../../../src/core/discover/twin/copied-entries.js';
import { copiedFilters } from '../../../../../src/core/discover/twin/copied-filters.js';
import { copiedBridgeSettings, copiedPortSettings } from '../../../../../src/core/discover/twin/copied-settings.js';
import { isReadable, copiedTables } from '../../../../../src/core/discover/twin/copied-tables.js';
import { isUsual, twinEndpoints } from '../../../../../src/core/discover/twin/endpoints.js';
import { supposing, type TwinInput, twinScenario } from '../../../../../src/core/discover/twin/scenario.js';
import { readWhatIfs } from '../../../../../src/core/discover/twin/what-if.js';
import type { FdbState, HostState, LinkState } from '../../../../../src/core/model/state.js';
import { hostState } from '../../../../support/judge/perfect-run.js';

const macOf = (at: number): string => `52:54:00:00:00:0${at}`;
const change = (state: HostState, name: string, over: Partial<LinkState>): HostState => ({
  ...state,
  links: state.links.map((one) => (one.name === name ? { ...one, ...over } : one)),
});
const plain = change(hostState(), 'br0', { bridge: { ageing_time: 30_000, vlan_default_pvid: 1 } });
const entry = (mac: string, port: string, over: Partial<FdbState> = {}): FdbState => ({
  mac,
  port,
  master: 'br0',
  vlan: null,
  state: 'dynamic',
  flags: [],
  usedS: null,
  updatedS: null,
  ...over,
});
const endpoints: FoundScenario['topology']['endpoints'] = {
  g0: { bridge: 'br0', port: 'p0', mac: macOf(1), ip: '10.0.0.1/24' },
  g1: { bridge: 'br0', port: 'p1', mac: macOf(2) },
  g2: { bridge: 'br0', port: 'p2', mac: macOf(3), vlans: [{ vid: 99 }] },
  nic: { bridge: 'br0', port: 'p3', role: 'uplink', mac: '00:11:22:33:44:55' },
};
const found = (over: Partial<FoundScenario['topology']['endpoints']> = {}): Found => {
  const all: Record<string, FoundScenario['topology']['endpoints'][string]> = {};
  for (const [name, one] of Object.entries({ ...endpoints, ...over })) if (one !== undefined) all[name] = one;
  return {
    scenario: {
      version: 1,
      name: 'host-br0',
      topology: { provider: 'host', bridges: { br0: {} }, endpoints: all },
      steps: [{ name: 'asked' }],
      policy: [{ within: 'zone:*', expect: 'private' }],
    },
    notes: [],
    origins: {},
    sentences: [],
  };
};
const input = (over: Partial<TwinInput> = {}): TwinInput => ({
  found: found(),
  state: plain,
  bridge: 'br0',
  addresses: [],
  neighbours: [],
  hasRules: false,
  keepers: [],
  missing: [],
  classes: [],
  ...over,
});
const link = (state: HostState, name: string): LinkState => {
  const one = state.links.find((each) => each.name === name);
  if (one === undefined) throw new Error('the fixture has changed');
  return one;
};
interface Step {
  readonly name?: string;
  readonly probe?: readonly { readonly class?: string }[];
}
const steps = (over: Partial<TwinInput> = {}): readonly Step[] => twinScenario(input(over)).scenario.steps;
const classes = (over: Partial<TwinInput> = {}): readonly (string | undefined)[] =>
  steps(over).map(({ name, probe }) => probe?.[0]?.class ?? name);

describe('a twin', () => {
  it('is a lab with the bridge, its guests and the attacks on them', () => {
    const { scenario, missing } = twinScenario(input());
    expect(scenario).toMatchObject({
      version: 1,
      name: 'twin-br0',
      allow_disruptive: true,
      topology: { provider: 'lab', bridges: { br0: {} } },
      policy: [{ within: 'zone:*' }],
    });
    expect(scenario.topology.bridges).toEqual({ br0: {} });
    expect(scenario.topology).not.toHaveProperty('sysctl');
    expect(Object.keys(scenario.topology.endpoints)).toEqual(['g0', 'g1', 'g2', 'nic']);
    expect(missing).toEqual([]);
    expect(classes()).toEqual([
      'asked',
      'unknown-unicast',
      'mac-spoof',
      'ip-spoof',
      'mac-steal',
      'gateway-steal',
      'mac-flood',
      'arp-spoof',
      'ra-spoof',
      'dhcp-offer',
      'igmp-query',
      'stp-root',
    ]);
  });
  it("keeps who keeps the live bridge and its ports, and nobody else's", () => {
    const kept = (device: string): TwinInput['keepers'][number] => ({
      by: 'ifupdown2',
      device,
      file: '/etc/network/interfaces',
      bridge: 'br0',
    });
    expect(twinScenario(input({ keepers: [kept('br0'), kept('br9'), kept('p3')] })).scenario.topology.keepers).toEqual([
      kept('br0'),
      kept('p3'),
    ]);
    expect(twinScenario(input({ keepers: [kept('br9')] })).scenario.topology).not.toHaveProperty('keepers');
  });
  it('asks only the classes that are asked for', () => {
    expect(classes({ classes: ['mac-spoof'] })).toEqual(['mac-spoof']);
    expect(classes({ classes: ['known-unicast', 'arp-spoof'] })).toEqual(['asked', 'arp-spoof']);
    expect(twinScenario(input({ classes: ['mac-spoof'] })).scenario).not.toHaveProperty('policy');
    expect(twinScenario(input({ classes: ['known-unicast'] })).scenario).toHaveProperty('policy');
    const { policy: _, ...unruled } = found().scenario;
    expect(twinScenario(input({ found: { ...found(), scenario: unruled } })).scenario).not.toHaveProperty('policy');
  });
  it('has what the live one is set to, its sysctl and its own VLANs', () => {
    const set = {
      ...change(plain, 'br0', { bridge: { ageing_time: 0, vlan_filtering: 1, vlan_default_pvid: 1 } }),
      sysctl: { 'net.ipv4.ip_forward': '1' },
      vlan: [
        { ifname: 'br0', vlans: [{ vlan: 7 }] },
        ...['p0', 'p1', 'p2', 'p3'].map((ifname) => ({
          ifname,
          vlans: [{ vlan: 10, flags: ['PVID', 'Egress Untagged'] }],
        })),
      ],
    };
    const { topology } = twinScenario(input({ state: set })).scenario;
    expect(topology).toMatchObject({
      bridges: { br0: { ageing_time: 0, vlan_filtering: 'on', vlans: [{ vid: 7 }] } },
      sysctl: { 'net.ipv4.ip_forward': '1' },
    });
    expect(topology.endpoints['g0']).toMatchObject({ vlans: [{ vid: 10, pvid: true, untagged: true }] });
    expect(classes({ state: set })).toContain('vlan-hop');
  });
  it('takes the default VLAN from ports that have none, where the bridge filters', () => {
    const filtering = (pvid: number, on = 1): HostState => ({
      ...change(plain, 'br0', { bridge: { vlan_filtering: on, vlan_default_pvid: pvid } }),
      vlan: [{ ifname: 'p0', vlans: [{ vlan: 1, flags: ['PVID', 'Egress Untagged'] }] }],
    });
    const prepared = (state: HostState): unknown =>
      steps({ state }).find(({ name }) => name === 'entries and rules as on the live bridge');
    expect(prepared(filtering(1))).toEqual({
      name: 'entries and rules as on the live bridge',
      vlan: { del: ['p1', 'p2', 'p3'].map((port) => ({ port, vid: 1 })) },
    });
    expect(prepared(filtering(5))).toMatchObject({
      vlan: { del: ['p1', 'p2', 'p3'].map((port) => ({ port, vid: 5 })) },
    });
    expect([prepared(filtering(0)), prepared(filtering(1, 0)), prepared(plain)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
  it('has its entries, groups, rules and filters in a first step', () => {
    const state: HostState = {
      ...plain,
      fdb: [entry('02:00:00:00:00:77', 'p0', { state: 'static' })],
      mdb: [{ mdb: [{ dev: 'br0', port: 'p1', grp: '239.1.1.1', state: 'permanent' }] }],
      tc: {
        filters: {
          'p0 ingress': [
            {
              protocol: 'all',
              pref: 1,
              kind: 'matchall',
              options: { actions: [{ kind: 'gact', control_action: { type: 'drop' } }] },
            },
          ],
        },
      },
    };
    expect(steps({ state, hasRules: true })[0]).toEqual({
      name: 'entries and rules as on the live bridge',
      fdb: { add: [{ mac: '02:00:00:00:00:77', port: 'p0', state: 'static' }] },
      mdb: { add: [{ group: '239.1.1.1', port: 'p1' }] },
      run: [
        ['nft', '-f', 'rules.nft'],
        ['tc', 'qdisc', 'add', 'dev', 'p0', 'clsact'],
        ['tc', 'filter', 'add', 'dev', 'p0', 'ingress', 'protocol', 'all', 'prio', '1', 'matchall', 'action', 'drop'],
      ],
    });
  });
  it('names what it does not have, of every part', () => {
    const state: HostState = {
      ...change(plain, 'p2', { xdp: 'guard', port: { backup_port: 'p9' } }),
      fdb: [entry('02:00:00:00:00:77', 'p9', { state: 'static' })],
      tc: { filters: { 'p0 ingress': [{ kind: 'bpf', options: {} }] } },
    };
    expect(
      twinScenario(input({ state, missing: ['known before'], found: found({ g1: { bridge: 'br0', port: 'p1' } }) }))
        .missing,
    ).toEqual([
      'known before',
      'the MAC of p1: it is not on record, and another stands for it',
      'the XDP guard on p2',
      'p2.backup_port p9: it is not in the twin',
      'entry 02:00:00:00:00:77 on p9: the port is not in the twin',
      'the tc filter bpf at p0 ingress',
    ]);
  });
  it('is refused without the bridge, and without two guests', () => {
    expect(() => twinScenario(input({ bridge: 'br9' }))).toThrow(
      expect.objectContaining({ code: 'interface-gone', exit: 69, message: 'there is no bridge "br9"' }),
    );
    expect(() => twinScenario(input({ found: found({ g1: undefined, g2: undefined }) }))).toThrow(
      expect.objectContaining({
        code: 'too-little-found',
        exit: 3,
        message: 'br0 has 1 guests that can be heard: one must attack another',
      }),
    );
  });
  it('is attacked by one guest with the uplink to talk to, where two guests are enough', () => {
    const two = found({ g2: undefined });
    expect(
      steps({ found: two })
        .flatMap(({ probe }) => probe ?? [])
        .find((one) => one.class === 'mac-steal'),
    ).toMatchObject({ from: 'g0', to: 'g1', via: 'nic' });
    const alone = found({ nic: undefined });
    expect(
      steps({ found: alone })
        .flatMap(({ probe }) => probe ?? [])
        .find((one) => one.class === 'mac-steal'),
    ).toMatchObject({ from: 'g0', to: 'g1', via: 'g2' });
  });
  it('hops VLANs where one port of it has some', () => {
    const set = { ...plain, vlan: [{ ifname: 'p0', vlans: [{ vlan: 10, flags: ['PVID', 'Egress Untagged'] }] }] };
    expect([classes({ state: set }).includes('vlan-hop'), classes().includes('vlan-hop')]).toEqual([true, false]);
  });
  it('with a setting as it might be differs in that alone', () => {
    const twin = twinScenario(input({ state: change(plain, 'p0', { port: { isolated: true } }) }));
    const supposed = supposing(twin, [
      { device: 'br0', key: 'ageing_time', value: 0 },
      { device: 'p0', key: 'flood', value: 'off' },
    ]);
    expect([supposed.scenario.name, supposed.missing]).toEqual(['twin-br0-what-if', twin.missing]);
    expect(supposed.scenario.topology.bridges).toEqual({ br0: { ageing_time: 0 } });
    expect(supposed.scenario.topology.endpoints['g0']?.settings).toEqual({ isolated: 'on', flood: 'off' });
    expect(supposed.scenario.topology.endpoints['g1']).toEqual(twin.scenario.topology.endpoints['g1']);
    const withHost = twinScenario(input({ addresses: ['10.0.0.254/24'] }));
    expect(supposing(withHost, []).scenario.topology.endpoints['host']).toEqual(
      withHost.scenario.topology.endpoints['host'],
    );
  });
});

describe('who is in a twin', () => {
  const told = (over: Partial<TwinInput>, bridge: Partial<LinkState> = {}): ReturnType<typeof twinEndpoints> => {
    const of = input(over);
    const state = change(of.state, 'br0', bridge);
    return twinEndpoints({
      found: of.found.scenario,
      state,
      bridge: link(state, 'br0'),
      addresses: of.addresses,
      neighbours: of.neighbours,
    });
  };
  it('is the host where the bridge has addresses, under a name that is free', () => {
    expect(told({}).host).toBeNull();
    expect(told({ addresses: ['10.0.0.254/24'] })).toMatchObject({
      host: 'host',
      endpoints: {
        host: { bridge: 'br0', attach: 'host', role: 'host', mac: link(plain, 'br0').mac, ip: ['10.0.0.254/24'] },
      },
    });
    expect(
      told({ addresses: ['10.0.0.254/24'], found: found({ host: { bridge: 'br0', port: 'p9', mac: macOf(9) } }) }).host,
    ).toBe('host.2');
  });
  it('is whoever the host knows behind the device, where somebody holds it promiscuous', () => {
    const neighbours = [
      { mac: '00:0c:29:00:00:01', address: '10.0.0.50' },
      { mac: '00:0c:29:00:00:01', address: 'fe80::1' },
      { mac: link(plain, 'p1').mac, address: '10.0.0.2' },
      { mac: macOf(2), address: '10.0.0.3' },
    ];
    const state = { ...plain, fdb: [entry(macOf(2), 'p1')] };
    const behind = {
      'behind-10.0.0.50': {
        bridge: 'br0',
        attach: 'promiscuous',
        port: 'behind0',
        mac: '00:0c:29:00:00:01',
        ip: '10.0.0.50/24',
      },
    };
    expect(told({ state, neighbours }).endpoints).not.toHaveProperty('behind-10.0.0.50');
    expect(told({ state, neighbours }, { promiscuity: 1 }).endpoints).toMatchObject(behind);
    expect(told({ state, neighbours }, { promiscuity: null, sysFlags: 0x1103 }).endpoints).toMatchObject(behind);
    expect(told({ state, neighbours }, { promiscuity: null, sysFlags: null }).endpoints).not.toHaveProperty(
      'behind-10.0.0.50',
    );
    expect(Object.keys(told({ state, neighbours }, { promiscuity: 1 }).endpoints)).toHaveLength(5);
    const aside = {
      ...state,
      links: [...state.links, { ...link(state, 'p0'), name: 'x0', master: 'br9', mac: '00:0c:29:00:00:01' }],
    };
    expect(told({ state: aside, neighbours }, { promiscuity: 1 }).endpoints).toMatchObject(behind);
    expect(told({ state, neighbours }, { promiscuity: 1 }).missing).toEqual([]);
    expect(told({ state, neighbours: [] }, { promiscuity: 1 }).missing).toEqual([
      expect.stringContaining('who is behind br0 itself'),
    ]);
  });
  it('has the VLANs of its live port, not those that were written', () => {
    expect(told({}).endpoints['g2']).not.toHaveProperty('vlans');
    const usual = [{ vid: 1, pvid: true, untagged: true }] as const;
    expect([
      isUsual(usual, link(plain, 'br0')),
      isUsual([{ vid: 1, pvid: true }], link(plain, 'br0')),
      isUsual([{ vid: 1, untagged: true }], link(plain, 'br0')),
      isUsual([{ vid: 2, pvid: true, untagged: true }], link(plain, 'br0')),
      isUsual([...usual, { vid: 2 }], link(plain, 'br0')),
    ]).toEqual([true, false, false, false, false]);
    expect([
      isUsual(usual, { ...link(plain, 'br0'), bridge: null }),
      isUsual(usual, { ...link(plain, 'br0'), bridge: {} }),
    ]).toEqual([true, true]);
  });
});

describe('settings that are copied', () => {
  const bridge = (settings: LinkState['bridge']): ReturnType<typeof copiedBridgeSettings> =>
    copiedBridgeSettings({ ...link(plain, 'br0'), bridge: settings });
  it('are none where all are as the kernel sets them', () => {
    expect(bridge({ ...bridgeDefaults })).toEqual({ settings: {}, missing: [] });
    expect(bridge(null)).toEqual({ settings: {}, missing: [] });
    expect(copiedPortSettings({ ...link(plain, 'p0'), port: { ...portDefaults } }, new Set())).toEqual({
      settings: {},
      missing: [],
    });
    expect(copiedPortSettings({ ...link(plain, 'p0'), port: null, mtu: 9000 }, new Set())).toEqual({
      settings: { mtu: 9000 },
      missing: [],
    });
  });
  it('leave a tick of a timer and what decides only when a port forwards alone', () => {
    expect(
      bridge({ mcast_startup_query_intvl: 3124, ageing_time: 30_001, forward_delay: 4, hello_time: 1, max_age: 1 })
        .settings,
    ).toEqual({});
    expect(bridge({ mcast_startup_query_intvl: 3123, ageing_time: 29_998 }).settings).toEqual({
      mcast_startup_query_intvl: '31230ms',
      ageing_time: '299980ms',
    });
  });
  it('are masks in hexadecimal, and named where they are none', () => {
    expect(bridge({ group_fwd_mask: '0x0' }).settings).toEqual({});
    expect(bridge({ group_addr: '01:80:c2:00:00:0x0' }).settings).toEqual({ group_addr: '01:80:c2:00:00:0x0' });
    expect(bridge({ group_fwd_mask: 16_384 }).settings).toEqual({ group_fwd_mask: '0x4000' });
    expect(bridge({ group_fwd_mask: 'zz' })).toEqual({ settings: {}, missing: ['br0.group_fwd_mask zz'] });
  });
  it('are switches in words, either way', () => {
    expect(bridge({ mcast_snooping: 0, mcast_querier: 1 }).settings).toEqual({
      mcast_snooping: 'off',
      mcast_querier: 'on',
    });
    expect(bridge({ mcast_snooping: true, mcast_querier: false }).settings).toEqual({});
  });
});

describe('entries that are copied', () => {
  const copied = (...fdb: readonly FdbState[]): ReturnType<typeof copiedEntries> =>
    copiedEntries({ ...plain, fdb }, link(plain, 'br0'), new Set(['p0', 'p1']));
  const member = (over: object): ReturnType<typeof copiedEntries> =>
    copiedEntries(
      { ...plain, mdb: [{ mdb: [{ dev: 'br0', port: 'p1', grp: '239.1.1.1', state: 'permanent', ...over }] }] },
      link(plain, 'br0'),
      new Set(['p0', 'p1']),
    );
  it('are permanent ones of guests as well, with their VLAN', () => {
    expect(copied(entry(macOf(7), 'p0', { state: 'permanent', vlan: 4 })).fdb).toEqual([
      { mac: macOf(7), port: 'p0', state: 'permanent', vlan: 4 },
    ]);
    expect(copied(entry(macOf(7), 'br0', { master: null, state: 'permanent', vlan: 4 })).fdb).toEqual([
      { mac: macOf(7), port: 'br0', self: true, vlan: 4 },
    ]);
  });
  it('are none of another bridge, of a group, of the bridge’s own devices, or written there by itself', () => {
    const elsewhere = {
      ...plain,
      links: [...plain.links, { ...link(plain, 'p0'), name: 'x0', master: 'br9', mac: macOf(7) }],
    };
    expect(
      copiedEntries(
        { ...elsewhere, fdb: [entry(macOf(7), 'p0', { state: 'static' })] },
        link(plain, 'br0'),
        new Set(['p0']),
      ).fdb,
    ).toHaveLength(1);
    for (const one of [
      entry(macOf(7), 'p0', { state: 'static', master: 'br9' }),
      entry('01:00:5e:00:00:01', 'p0', { state: 'static' }),
      entry(link(plain, 'p1').mac, 'p0', { state: 'static' }),
      entry(link(plain, 'br0').mac, 'p0', { state: 'static' }),
      entry(macOf(7), 'br0', { state: 'static' }),
    ]) {
      expect(copied(one)).toEqual({ fdb: [], mdb: [], missing: [] });
    }
  });
  it('that an offload keeps are named', () =>
    expect(copied(entry(macOf(7), 'p0', { state: 'static', flags: ['sticky', 'offload'] })).missing).toEqual([
      `entry ${macOf(7)} on p0: another program keeps it (sticky, offload)`,
    ]));
  it('of groups are members that somebody wrote; others are counted, or named', () => {
    expect(member({}).mdb).toEqual([{ group: '239.1.1.1', port: 'p1' }]);
    expect(member({ vid: 10 }).mdb).toEqual([{ group: '239.1.1.1', port: 'p1', vlan: 10 }]);
    expect(member({ vid: 0 }).mdb).toEqual([{ group: '239.1.1.1', port: 'p1' }]);
    expect(member({ port: 'p9' })).toMatchObject({ mdb: [], missing: ['member p9 of 239.1.1.1'] });
    expect(member({ src: '10.0.0.1' })).toMatchObject({ mdb: [], missing: ['member p1 of 239.1.1.1'] });
    expect(member({ state: 'temp' })).toEqual({
      fdb: [],
      mdb: [],
      missing: ['1 members of multicast groups that joined by themselves (IGMP, MLD)'],
    });
    expect(member({ vid: 'x' }).mdb).toEqual([{ group: '239.1.1.1', port: 'p1' }]);
    expect(member({ src: { addr: '10.0.0.1' } })).toMatchObject({ mdb: [], missing: ['member p1 of 239.1.1.1'] });
    for (const other of [{ dev: 'br9' }, { port: 'br0' }, { port: 'br0', state: 'temp' }, { grp: 7 }])
      expect(member(other)).toEqual({ fdb: [], mdb: [], missing: [] });
  });
});

describe('filters that are copied', () => {
  const gact = (type: string): object => ({ kind: 'gact', control_action: { type } });
  const mirred = (over: object = {}): object => ({
    kind: 'mirred',
    mirred_action: 'redirect',
    direction: 'ingress',
    to_dev: 'p1',
    ...over,
  });
  const copied = (options: object | null, more: object = {}, place = 'p0 ingress'): ReturnType<typeof copiedFilters> =>
    copiedFilters(
      {
        ...plain,
        tc: {
          filters: {
            [place]: [{ protocol: 'ip', pref: 7, kind: 'matchall', ...(options === null ? {} : { options }), ...more }],
          },
        },
      },
      new Set(['p0', 'p1']),
    );
  const words = (...args: Parameters<typeof copied>): string | undefined => copied(...args).commands[1]?.join(' ');
  it('are those for all frames that drop, pass, mirror or redirect', () => {
    expect(words({ actions: [gact('pass')] })).toBe(
      'tc filter add dev p0 ingress protocol ip prio 7 matchall action pass',
    );
    expect(words({ actions: [mirred(), gact('drop')] }, {}, 'p0 egress')).toBe(
      'tc filter add dev p0 egress protocol ip prio 7 matchall action mirred ingress redirect dev p1 action drop',
    );
    expect(
      words({ actions: [gact('drop')], match: { mask: '00000000' } }, { kind: 'u32', protocol: 7, pref: undefined }),
    ).toBe('tc filter add dev p0 ingress protocol all prio 1 u32 match u32 0 0 action drop');
  });
  it('share one place to hang them on', () => {
    const two = copiedFilters(
      {
        ...plain,
        tc: {
          filters: {
            'p0 ingress': [1, 2].map((pref) => ({ kind: 'matchall', pref, options: { actions: [gact('drop')] } })),
          },
        },
      },
      new Set(['p0']),
    );
    expect(two.commands.map((argv) => argv[1])).toEqual(['qdisc', 'filter', 'filter']);
  });
  it('hold no rule in heads and tables, and are none of a device that is not there', () => {
    for (const none of [copied(null), copied({ ht_divisor: 1 }), copied({ actions: [gact('drop')] }, {}, 'p9 ingress')])
      expect(none).toEqual({ commands: [], missing: [] });
    expect(copiedFilters(plain, new Set(['p0']))).toEqual({ commands: [], missing: [] });
  });
  it.each<[string, () => ReturnType<typeof copied>, string]>([
    ['another verdict', () => copied({ actions: [gact('reclassify')] }), 'the tc filter matchall at p0 ingress'],
    ['no action', () => copied({ actions: [] }), 'the tc filter matchall at p0 ingress'],
    [
      'another place',
      () => copied({ actions: [gact('drop')] }, {}, 'p0 parent'),
      'the tc filter matchall at p0 parent',
    ],
    [
      'a copy to who is not there',
      () => copied({ actions: [mirred({ to_dev: 'p9' })] }),
      'the tc filter matchall at p0 ingress, to p9',
    ],
    [
      'an unknown act',
      () => copied({ actions: [mirred({ mirred_action: 'x' })] }),
      'the tc filter matchall at p0 ingress, to p1',
    ],
    [
      'an unknown way',
      () => copied({ actions: [mirred({ direction: 'x' })] }),
      'the tc filter matchall at p0 ingress, to p1',
    ],
    [
      'a redirect to nowhere',
      () => copied({ actions: [mirred({ to_dev: 7 })] }),
      'the tc filter matchall at p0 ingress',
    ],
    [
      'a part of the traffic',
      () => copied({ actions: [gact('drop')], match: { mask: '000000ff' } }, { kind: 'u32' }),
      'the tc filter u32 at p0 ingress',
    ],
    [
      'a redirect of which the way is not told',
      () => copied({ actions: [mirred({ direction: undefined })] }),
      'the tc filter matchall at p0 ingress, to p1',
    ],
    [
      'a match that begins like none',
      () => copied({ actions: [gact('drop')], match: { mask: '00f0' } }, { kind: 'u32' }),
      'the tc filter u32 at p0 ingress',
    ],
    [
      'another kind with an empty match',
      () => copied({ actions: [gact('drop')], match: { mask: '0' } }, { kind: 'flower' }),
      'the tc filter flower at p0 ingress',
    ],
    [
      'a verdict that is not told',
      () => copied({ actions: [{ kind: 'gact' }] }),
      'the tc filter matchall at p0 ingress',
    ],
    [
      'two matches',
      () => copied({ actions: [gact('drop')], match: [{ mask: '0' }, { mask: '0' }] }, { kind: 'u32' }),
      'the tc filter u32 at p0 ingress',
    ],
    [
      'a kind without a match',
      () => copied({ actions: [gact('drop')] }, { kind: 'u32' }),
      'the tc filter u32 at p0 ingress',
    ],
  ])('are named, not made, with %s', (_, told, line) => expect(told()).toEqual({ commands: [], missing: [line] }));
});

describe('tables that are copied', () => {
  const table = (family: string, name: string): object => ({ table: { family, name } });
  const chain = (family: string, of: string, dev?: unknown): object => ({
    chain: { family, table: of, name: 'c', dev },
  });
  const told = (...nftables: readonly object[]): ReturnType<typeof copiedTables> =>
    copiedTables({ ...plain, nft: { nftables } }, new Set(['p0', 'p1']));
  it('are of netdev where all their devices are there, each chain of theirs counted', () => {
    expect(
      told(
        table('netdev', 'x'),
        chain('netdev', 'x', 'p0'),
        chain('netdev', 'x', ['p1']),
        chain('netdev', 'y', 'p9'),
        chain('bridge', 'x', 'p9'),
      ).tables,
    ).toEqual([{ family: 'netdev', name: 'x' }]);
    expect(
      told(table('netdev', 'x'), chain('netdev', 'x', 'p0'), chain('netdev', 'x', ['p9', 7, 'p1'])).missing,
    ).toEqual(['the nft table netdev x: it is on p9']);
    expect(told(table('inet', 'x'), chain('inet', 'x', 'p0')).missing).toEqual([]);
    expect(told(table('netdev', 'x'), chain('netdev', 'x')).missing).toEqual([
      'the nft table netdev x: it is on no device',
    ]);
  });
  it('of IP are named where they hold rules', () => {
    const rule = (family: string, of: string): object => ({ rule: { family, table: of } });
    expect(told(table('ip', 'x')).missing).toEqual([]);
    expect(told(table('ip', 'x'), rule('ip', 'y'), rule('inet', 'x')).missing).toEqual([]);
    expect(told(table('ip', 'x'), rule('ip', 'x')).missing).toEqual([
      expect.stringContaining('the nft table ip x: it sees IP that the host routes'),
    ]);
    expect(told({ table: { family: 'bridge' } }, { table: { name: 'x' } })).toEqual({ tables: [], missing: [] });
  });
  it('are not read back where another program manages them', () => {
    for (const by of ['ip', 'ip6', 'eb', 'arp'])
      expect(isReadable(`# Warning: table bridge filter is managed by ${by}tables-nft`)).toBe(false);
    expect([
      isReadable('xt target "LOG"'),
      isReadable('xt match "x"'),
      isReadable('next match'),
      isReadable('xt other'),
    ]).toEqual([false, false, true, true]);
  });
});

describe('what might be', () => {
  const refused = (...texts: readonly string[]): string => {
    try {
      readWhatIfs(texts, 'br0', new Set(['p0']));
    } catch (caught) {
      return caught instanceof Error ? caught.message : '';
    }
    return '';
  };
  it('is of the bridge, of its ports, or of either as a link', () => {
    expect(
      readWhatIfs(
        ['p0.mtu=9000', 'br0.mtu=9000', 'p0.flood=off', 'br0.group_fwd_mask=0x4000', 'p0.mcast_router=12345678901'],
        'br0',
        new Set(['p0']),
      ),
    ).toEqual([
      { device: 'p0', key: 'mtu', value: 9000 },
      { device: 'br0', key: 'mtu', value: 9000 },
      { device: 'p0', key: 'flood', value: 'off' },
      { device: 'br0', key: 'group_fwd_mask', value: '0x4000' },
      { device: 'p0', key: 'multicast_router', value: '12345678901' },
    ]);
  });
  it('is refused, all of it at once, where device or setting is none', () => {
    expect(refused('x', 'p9.flood=off', 'p0.ageing_time=0', 'br0.isolated=on', 'p0.Flood=off')).toBe(
      [
        '--what-if "x": not DEVICE.SETTING=VALUE',
        '--what-if "p9.flood=off": "p9" is neither the bridge nor a port of its twin',
        '--what-if "p0.ageing_time=0": "ageing_time" is no setting of a bridge port',
        '--what-if "br0.isolated=on": "isolated" is no setting of a bridge',
        '--what-if "p0.Flood=off": not DEVICE.SETTING=VALUE',
      ].join('\n'),
    );
    expect(refused('p0.flood=off')).toBe('');
  });
});
