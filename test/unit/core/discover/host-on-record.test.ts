import { describe, expect, it } from 'vitest';
import { chooseBridge } from '../../../../src/core/discover/found-scenario.js';
import { deafness, macsBehind } from '../../../../src/core/bridge/view.js';
import { hostTopology } from '../../../../src/core/discover/host-topology.js';
import type { Scenario } from '../../../../src/core/model/scenario.js';
import type { HostState, LinkState } from '../../../../src/core/model/state.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { silentAddressees } from '../../../../src/core/plan/observers.js';
import { loadScenario } from '../../../../src/core/scenario/load-scenario.js';
import { learnedAt as entry, setLink, stateWith, upLink } from '../../../support/link-state.js';

function link(name: string, over: Partial<LinkState> = {}): LinkState {
  const port = { state: 'forwarding', learning: true };
  return upLink(name, { mac: '02:00:00:00:00:ff', master: 'br0', promiscuity: 1, kind: 'tun', port, ...over });
}
const bridge = (name: string, over: Partial<LinkState> = {}): LinkState =>
  link(name, {
    kind: 'bridge',
    master: null,
    port: null,
    bridge: { ageing_time: 30000 },
    mac: '02:00:00:00:00:b0',
    ...over,
  });
const macs = {
  a: '52:54:00:00:00:01',
  b: '52:54:00:00:00:02',
  c: '52:54:00:00:00:03',
  lan: '00:11:22:33:44:55',
} as const;

const state = (over: Partial<HostState> = {}): HostState =>
  stateWith(
    [
      bridge('br0'),
      link('vnet0'),
      link('vnet1'),
      link('vnet2'),
      link('eth0', { kind: null }),
      link('lo', { master: null, port: null }),
    ],
    {
      fdb: [
        entry(macs.a, 'vnet0'),
        entry(macs.b, 'vnet1'),
        entry(macs.c, 'vnet2'),
        entry(macs.lan, 'eth0'),
        entry('02:00:00:00:00:ff', 'vnet0', { state: 'permanent' }),
        entry('33:33:00:00:00:01', 'vnet0'),
      ],
      ...over,
    },
  );
const neighbours = [
  { mac: macs.a, address: '192.168.0.20' },
  { mac: macs.lan, address: 'fe80::1' },
  { mac: macs.lan, address: '192.168.0.1' },
];

function scenario(
  endpoints: string,
  step = '{ name: s, probe: [ { class: known-unicast, from: a, to: b } ], expect: private }',
): Scenario {
  const text = `version: 1\nname: t\nallow_changes: true\ntopology:\n  provider: host\n  bridges: { br0: {} }\n  endpoints:\n${endpoints}steps:\n  - ${step}\n`;
  return loadScenario('t.yml', new TextEncoder().encode(text));
}
const both = '    a: { bridge: br0, port: vnet0 }\n    b: { bridge: br0, port: vnet1 }\n';
const error = (act: () => unknown): unknown => {
  try {
    act();
  } catch (caught) {
    return caught;
  }
  return null;
};

describe('a scenario fitted to a host', () => {
  it('gets MACs and addresses from what is on record, and every port of the bridge as an endpoint', () => {
    const { scenario: whole, bridgeMacs, unobservable } = hostTopology(scenario(both), state(), neighbours);
    expect(
      whole.topology.endpoints.map(({ name, port, macs: macsOnRecord, ips }) => ({
        name,
        port,
        own: macsOnRecord,
        ips,
      })),
    ).toEqual([
      { name: 'a', port: 'vnet0', own: [macs.a], ips: [{ family: 4, address: '192.168.0.20', prefix: 24 }] },
      { name: 'b', port: 'vnet1', own: [macs.b], ips: [] },
      { name: 'vnet2', port: 'vnet2', own: [macs.c], ips: [] },
      { name: 'eth0', port: 'eth0', own: [macs.lan], ips: [] },
    ]);
    expect(whole.topology.endpoints[2]).toMatchObject({
      bridge: 'br0',
      attach: 'port',
      role: 'guest',
      started: true,
      offloads: true,
      generated: false,
      promiscuous: false,
      gateway: null,
    });
    expect(bridgeMacs).toEqual({ br0: '02:00:00:00:00:b0' });
    expect(unobservable).toEqual([]);
  });

  it('keeps what the file says', () => {
    const given = scenario(
      `    a: { bridge: br0, port: vnet0, mac: "52:54:00:00:00:0a", ip: 10.0.0.1/8 }\n    b: { bridge: br0, port: vnet1 }\n    h: { bridge: br0, attach: host }\n`,
    );
    const [a, , h] = hostTopology(given, state({ fdb: [entry(macs.b, 'vnet1')] }), neighbours).scenario.topology
      .endpoints;
    expect(a).toMatchObject({ macs: ['52:54:00:00:00:0a'], ips: [{ address: '10.0.0.1', prefix: 8 }] });
    expect(h).toMatchObject({ attach: 'host', port: null, macs: [] });
  });

  it('knows IPv6 neighbours by their colon', () => {
    const withUplink = scenario(`${both}    lan: { bridge: br0, port: eth0, role: uplink }\n`);
    expect(hostTopology(withUplink, state(), neighbours).scenario.topology.endpoints[2]?.ips).toEqual([
      { family: 6, address: 'fe80::1', prefix: 64 },
      { family: 4, address: '192.168.0.1', prefix: 24 },
    ]);
  });

  it('names a port that nobody can listen on, and does not make an endpoint of it', () => {
    const { links } = setLink('vnet2', { flags: ['UP'] })(state());
    const { scenario: whole, unobservable } = hostTopology(scenario(both), state({ links }), []);
    expect(whole.topology.endpoints.map(({ name }) => name)).toEqual(['a', 'b', 'eth0']);
    expect(unobservable).toEqual([{ bridge: 'br0', port: 'vnet2', reason: 'no carrier: nothing runs behind it' }]);
    expect(deafness(link('x', { flags: ['LOWER_UP'] }))).toBe('the interface is down');
    expect(deafness(link('x'))).toBeNull();
  });

  it('asks no listed guest without carrier, and refuses a step that is about it', () => {
    const { links } = setLink('vnet1', { flags: ['UP'] })(state());
    const named = `${both}    c: { bridge: br0, port: vnet2, mac: "${macs.c}" }\n`;
    const all = '{ name: s, learn: "*", probe: [ { class: known-unicast, from: "*", to: "*" } ], expect: private }';
    const { scenario: whole, notes } = hostTopology(scenario(named, all), state({ links }), []);
    expect(notes).toEqual(['b: "vnet1": no carrier: nothing runs behind it: it is not asked']);
    expect(whole.topology.endpoints.find(({ name }) => name === 'b')).toMatchObject({ started: false });
    expect(whole.steps).toMatchObject([{ learn: ['a', 'c'], probes: [{ from: ['a', 'c'], to: ['a', 'c'] }] }]);
    const open = all.replace('to: "*"', 'to: "*", open_by_design: [ a, b, c ]');
    expect(
      hostTopology(scenario(named, open), state({ links }), []).scenario.steps[0]?.probes[0]?.openByDesign,
    ).toEqual(['a', 'c']);
    const alone = '{ name: s, probe: [ { class: known-unicast, from: a, to: b } ], expect: private }';
    const claimed = `${all.slice(0, -'private }'.length)}{ seen: { b: none } } }`;
    for (const step of [alone, claimed])
      expect(error(() => hostTopology(scenario(named, step), state({ links }), []))).toMatchObject({
        code: 'not-forwarding',
        message: 'b: "vnet1": no carrier: nothing runs behind it',
      });
  });

  it('gives an unlisted port a name that is free and valid', () => {
    const links = [...state().links, link('$(id)'), link('a')];
    const names = hostTopology(scenario(both), state({ links }), []).scenario.topology.endpoints.map(
      ({ name }) => name,
    );
    expect(names).toEqual(['a', 'b', 'vnet2', 'eth0', 'id-', 'a.2']);
  });

  it('names all that is missing at once, before anything is sent', () => {
    const lost = scenario(
      '    a: { bridge: br0, port: tap0 }\n    b: { bridge: br0, port: lo }\n    c: { bridge: br0, port: vnet2 }\n',
    );
    const links = [
      ...state().links.filter(({ name }) => name !== 'br0' && name !== 'vnet2'),
      link('br0', { kind: 'dummy' }),
      link('vnet2', { master: 'br1' }),
    ];
    const reported = error(() => hostTopology(lost, state({ links }), []));
    expect(reported).toMatchObject({ code: 'interface-gone', exitCode: 69 });
    expect(String(reported)).toContain(
      'there is no Linux bridge "br0"\na: there is no interface "tap0"\nb: "lo" is not a port of br0\nc: "vnet2" is not a port of br0 but of br1',
    );
  });

  it('speaks with no MAC that is on another port', () => {
    const given = scenario(
      `    a: { bridge: br0, port: vnet0, mac: "${macs.b}" }\n    b: { bridge: br0, port: vnet1, mac: "52:54:00:00:00:77" }\n`,
    );
    const reported = error(() => hostTopology(given, state(), []));
    expect(reported).toMatchObject({ code: 'mac-moved', exitCode: 3 });
    expect(String(reported)).toContain(`a: ${macs.b} is on "vnet1", not on "vnet0"`);
    expect(
      error(() => hostTopology(given, state({ fdb: [entry(macs.b, 'vnet1', { master: 'br1' })] }), [])),
    ).toBeNull();
    // what is only sent to is not taken from anybody
    const asked = (step: string): Scenario =>
      scenario(`    a: { bridge: br0, port: vnet0 }\n    b: { bridge: br0, port: vnet1, mac: "${macs.b}" }\n`, step);
    const probe = (more = ''): string =>
      `{ name: s, probe: [ { class: known-unicast, from: a, to: b${more} } ], expect: private }`;
    const stray = (kind: string): HostState =>
      state({ fdb: [entry(macs.a, 'vnet0'), entry(macs.b, 'vnet2', { state: kind })] });
    expect(error(() => hostTopology(asked(probe()), stray('static'), []))).toBeNull();
    for (const [step, kind] of [
      [probe(), 'dynamic'],
      [probe(', both_ways: true'), 'static'],
    ] as const)
      expect(error(() => hostTopology(asked(step), stray(kind), []))).toMatchObject({ code: 'mac-moved' });
  });

  it('speaks with no MAC that several machines share, and may be sent to one', () => {
    const vrrp = '00:00:5e:00:01:07';
    const fdb = [entry(vrrp, 'vnet0'), entry(macs.b, 'vnet1')];
    const reported = error(() => hostTopology(scenario(both), state({ fdb }), []));
    expect(reported).toMatchObject({ code: 'mac-shared', exitCode: 3 });
    expect(String(reported)).toContain(`a: ${vrrp} is an address that several machines share`);
    const sentTo = '{ name: s, probe: [ { class: known-unicast, from: b, to: a } ], expect: private }';
    expect(error(() => hostTopology(scenario(both, sentTo), state({ fdb }), []))).toBeNull();
  });

  it('refuses a listed endpoint whose guest does not run, unless it is to be started', () => {
    const { links } = setLink('vnet1', { flags: [] })(state());
    const reported = error(() => hostTopology(scenario(both), state({ links }), []));
    expect(reported).toMatchObject({ code: 'not-forwarding', exitCode: 3 });
    expect(String(reported)).toContain('b: "vnet1": the interface is down');
    const later = scenario(`${both}    c: { bridge: br0, port: vnet2, started: false }\n`);
    expect(
      error(() =>
        hostTopology(
          later,
          state({
            links: setLink('vnet2', { flags: [] })(state()).links,
          }),
          [],
        ),
      ),
    ).toBeNull();
  });

  it('refuses an endpoint that speaks without a MAC, and lets one that only listens be', () => {
    const reported = error(() => hostTopology(scenario(both), state({ fdb: [entry(macs.b, 'vnet1')] }), []));
    expect(reported).toMatchObject({ code: 'mac-unknown', exitCode: 3 });
    expect(String(reported)).toContain('a: its MAC is neither in the file nor in the forwarding database of "vnet0"');
    expect(String(reported)).not.toContain('b: ');
  });

  it('takes no group address and no address of the port itself for a guest', () => {
    expect(macsBehind(state(), 'br0', 'vnet0')).toEqual([macs.a]);
    const twice = [entry(macs.a, 'vnet0'), entry(macs.a, 'vnet0', { vlan: 10 })];
    const fdb = [...twice, entry(macs.b, 'vnet0', { master: 'br1' })];
    expect(macsBehind(state({ fdb }), 'br0', 'vnet0')).toEqual([macs.a]);
  });
});

describe('addressees that the bridge does not know', () => {
  const plan = (step: string, of = both) =>
    makePlan(hostTopology(scenario(of, step), state(), []).scenario, {
      runTag: 1,
      keySha256: '',
      bridgeMacs: { br0: '02:00:00:00:00:b0' },
    });
  const probe = '{ name: s, probe: [ { class: known-unicast, from: a, to: b } ], expect: private }';
  const forgot = state({ fdb: [] });

  it('are told, once', () =>
    expect(silentAddressees(plan(probe), forgot)).toEqual([
      `step 1: the bridge does not know ${macs.b} of b, so that known unicast to it would be flooded`,
    ]));
  it.each([
    ['the bridge knows it', probe, state()],
    ['a static entry has it elsewhere', probe, state({ fdb: [entry(macs.b, 'vnet0', { state: 'static' })] })],
    [
      'it speaks first',
      '{ name: s, learn: [ b ], probe: [ { class: known-unicast, from: a, to: b } ], expect: private }',
      forgot,
    ],
    [
      'it sends as well',
      '{ name: s, probe: [ { class: known-unicast, from: a, to: b, both_ways: true } ], expect: private }',
      forgot,
    ],
    ['another class', '{ name: s, probe: [ { class: unknown-unicast, from: a } ], expect: private }', forgot],
    ['the bridge learns nothing', probe, state({ fdb: [], links: [bridge('br0', { bridge: { ageing_time: 0 } })] })],
    [
      'its port learns nothing',
      probe,
      state({ fdb: [], links: [bridge('br0'), link('vnet1', { port: { learning: false } })] }),
    ],
    [
      'the step changes things',
      '{ name: s, fdb: { flush: br0 }, probe: [ { class: known-unicast, from: a, to: b } ], expect: private }',
      forgot,
    ],
  ])('are none where %s', (_, step, now) => expect(silentAddressees(plan(step), now)).toEqual([]));
  it('are those of another port, another bridge or another MAC', () => {
    for (const fdb of [[entry(macs.b, 'vnet0')], [entry(macs.b, 'vnet1', { master: 'br1' })], [entry(macs.c, 'vnet1')]])
      expect(silentAddressees(plan(probe), state({ fdb }))).toHaveLength(1);
  });
});

describe('an addressee that the bridge has not learned', () => {
  const forgot = state({ fdb: [entry(macs.a, 'vnet0'), entry(macs.c, 'vnet2')] });
  const file = `    a: { bridge: br0, port: vnet0, mac: "${macs.a}", ip: 10.0.0.1/24 }
    b: { bridge: br0, port: vnet1, mac: "${macs.b}", ip: 10.0.0.2/24 }\n`;
  const probe = '{ name: s, probe: [ { class: known-unicast, from: a, to: b } ], expect: private }';

  it('is asked as unknown unicast, to which those who hear it are exposed', () => {
    const { scenario: whole, notes } = hostTopology(scenario(file, probe), forgot, []);
    const [step] = makePlan(whole, { runTag: 1, keySha256: '', bridgeMacs: { br0: '02:00:00:00:00:b0' } }).steps;
    expect(
      step?.flows.map(({ class: name, frame, must }) => [name, frame.carrier, frame.dstMac, frame.dstIp, must]),
    ).toEqual([
      ['unknown-unicast', 'raw', macs.b, null, ['b']],
      ['unknown-unicast', 'ipv4-udp', macs.b, '10.0.0.2', ['b']],
    ]);
    expect(step?.expect.open).toEqual([{ probe: 1, observers: ['a', 'vnet2', 'eth0'] }]);
    const strict = {
      ...scenario(file, probe),
      steps: scenario(file, probe).steps.map((each) => ({ ...each, noReaders: true }) as const),
    };
    expect(hostTopology(strict, forgot, []).scenario.steps[0]?.probes[1]?.openByDesign).toEqual([]);
    expect(silentAddressees({ ...makePlan(whole, { runTag: 1, keySha256: '' }) }, forgot)).toEqual([]);
    expect(notes).toEqual([`b: br0 does not know ${macs.b}. Frames to it are tested as unknown unicast; ping it once`]);
  });

  const inVlans = { ...forgot, ...setLink('br0', { bridge: { vlan_filtering: 1 } })(forgot) };

  it.each([
    ['speaks first', probe.replace('probe:', 'learn: [ b ], probe:'), forgot],
    [
      'finds no room in a full table',
      probe,
      setLink('br0', (link) => ({ bridge: { ...link.bridge, fdb_max_learned: 1, fdb_n_learned: 1 } }))(forgot),
    ],
    ['may not be learned', probe, { ...forgot, ...setLink('vnet1', { port: { learning: false } })(forgot) }],
    ['is what the step changes', probe.replace('probe:', 'fdb: { flush: br0 }, probe:'), forgot],
    ['has to be separated', probe.replace('private', 'separated'), forgot],
    ['is one of those who may see', probe.replace('to: b', 'to: b, may_see: [ a ]'), forgot],
    ['is what a claim is about', probe.replace('private', '{ seen: { b: all } }'), forgot],
    ['is in a VLAN', probe, inVlans],
  ])('is asked as it stands if it %s', (_, step, now) => {
    const { scenario: whole, notes } = hostTopology(scenario(file, step), now, []);
    expect([whole.steps.map(({ probes }) => probes.map((entry) => entry.class)), notes]).toEqual([
      [['known-unicast']],
      [],
    ]);
  });
});

describe('the bridge to ask about', () => {
  it('is of the bridge that is named, or of the only one with ports', () => {
    const two = state({ links: [...state().links, bridge('br1'), link('x', { master: 'br1' }), bridge('br2')] });
    expect(chooseBridge(state(), null)).toBe('br0');
    expect(chooseBridge(two, 'br1')).toBe('br1');
    expect(error(() => chooseBridge(two, null))).toMatchObject({
      exitCode: 64,
      message: expect.stringContaining('"br0", "br1"'),
    });
    expect(error(() => chooseBridge(two, 'br2'))).toMatchObject({ exitCode: 69, hint: 'there are: "br0", "br1"' });
    expect(error(() => chooseBridge(state({ links: [] }), 'br2'))).toMatchObject({
      exitCode: 69,
      hint: 'no bridge here has any',
    });
    expect(error(() => chooseBridge(state({ links: [bridge('br0')] }), null))).toMatchObject({ exitCode: 69 });
  });
});

describe('late frames of a host', () => {
  const { links: all } = state();
  const guestsOnly = all.filter(({ name }) => name !== 'eth0');
  const drainMsOf = (links: readonly LinkState[], { over = {}, more = '', lingerMs = 0 } = {}): number | undefined => {
    const { scenario: whole, ...found } = hostTopology(scenario(`${both}${more}`), state({ links, ...over }), []);
    return makePlan(whole, { runTag: 1, keySha256: '00', lingerMs, ...found }).steps[0]?.drainMs;
  };
  const veth = (over: Partial<LinkState> = {}): LinkState => link('p9', { kind: 'veth', ...over });

  it.each<[string, readonly LinkState[]]>([
    ['taps', guestsOnly],
    ['and veths whose other end is in another namespace', [...guestsOnly, veth({ peer: 7 })]],
    ['beside a NIC that is no port of it', [...guestsOnly, link('eth0', { kind: null, master: null })]],
  ])('are waited for as in a lab where its bridge has %s', (_, links) => expect(drainMsOf(links)).toBe(150));

  it.each<[string, readonly LinkState[]]>([
    ['a NIC', all],
    ['a veth into this namespace', [...guestsOnly, veth({ lower: 'p8' })]],
    ...['bond', 'vlan', 'vxlan', 'netkit', 'dummy'].map((kind): [string, readonly LinkState[]] => [
      `a ${kind}`,
      [...guestsOnly, link('p9', { kind, peer: 7 })],
    ]),
  ])('are waited for longer where it has %s', (_, links) => expect(drainMsOf(links)).toBe(1000));

  it('are waited for longer where a machine is behind the bridge device', () => {
    const more = '    vm: { bridge: br0, attach: promiscuous, mac: "02:00:00:00:00:77", port: vmnet0 }\n';
    expect(drainMsOf([...guestsOnly, link('vmnet0', { master: null })], { more })).toBe(1000);
  });

  it('are waited for longer where a port is no interface', () => {
    const ports = [{ name: 'vx', bridge: 'br0', columns: {}, ofport: 3, type: 'vxlan', config: [] }];
    expect(drainMsOf(guestsOnly, { over: { ovs: { bridges: [], ports, mirrors: [] } } })).toBe(1000);
  });

  it('are waited for as long as is asked, and never for less than usual', () => {
    expect(drainMsOf(guestsOnly, { lingerMs: 400 })).toBe(400);
    expect(drainMsOf(guestsOnly, { lingerMs: 100 })).toBe(150);
    expect(drainMsOf(all, { lingerMs: 400 })).toBe(1000);
  });
});
