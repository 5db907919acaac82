import { describe, expect, it } from 'vitest';
import type { WholeInput } from '../../../../../src/core/discover/whole/compose.js';
import { hostTopology, type Neighbour } from '../../../../../src/core/discover/host-topology.js';
import type { HostState, LinkState } from '../../../../../src/core/model/state.js';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';
import { composed } from '../../../../support/discover/composed.js';
import { stateWith, upLink } from '../../../../support/link-state.js';

const link = (name: string, more: Partial<LinkState> = {}): LinkState =>
  upLink(name, { ifindex: 10, mac: `ee:ee:ee:ee:ee:0${name.slice(-1)}`, kind: 'tun', ...more });
const names = ['tap1', 'tap2', 'tap3'];
const stateOf = (
  sysctl: HostState['sysctl'] = { 'net.ipv4.ip_forward': '1' },
  more: Partial<HostState> = {},
): HostState =>
  stateWith(
    names.map((name) => link(name)),
    { sysctl, ...more },
  );
const neighbours: readonly Neighbour[] = names.map((device, at) => ({
  device,
  mac: `52:54:00:00:00:0${at + 1}`,
  address: `10.0.0.${at + 1}`,
}));
const routes = names.map((device, at) => ({ device, destination: `10.0.0.${at + 1}` }));
const filter = {
  nftables: [
    { chain: { family: 'inet', table: 't', name: 'f', hook: 'forward', type: 'filter' } },
    { rule: { family: 'inet', table: 't' } },
  ],
};

function found(over: Partial<WholeInput> = {}, wishes: Partial<WholeInput['wishes']> = {}) {
  const { whole, scenario } = composed(
    { state: stateOf(), neighbours, beside: { devices: [], bridges: [], routes, sysctl: {} }, ...over },
    wishes,
  );
  return {
    scenario,
    notes: whole.notes,
    beside: whole.beside ?? [],
    probes: scenario.steps.flatMap(({ probes }) =>
      probes.map((probe) =>
        [
          probe.class,
          probe.carriers?.join(),
          probe.maySee?.length ?? 'default',
          probe.mustSee?.length ?? 'default',
        ].join(' '),
      ),
    ),
  };
}

describe('guests that the host routes to', () => {
  it('are a segment of their own, in which packets reach their addressee and nobody else, and other frames nobody', () => {
    const { scenario, probes, notes, beside } = found();
    expect(scenario.topology.bridges.map(({ name, kind }) => [name, kind])).toEqual([['routes', 'routed']]);
    expect(
      scenario.topology.endpoints.map(({ name, attach, macs, ips }) => [name, attach, macs[0], ips[0]?.address]),
    ).toEqual([
      ['tap1', 'routed', '52:54:00:00:00:01', '10.0.0.1'],
      ['tap2', 'routed', '52:54:00:00:00:02', '10.0.0.2'],
      ['tap3', 'routed', '52:54:00:00:00:03', '10.0.0.3'],
    ]);
    expect(probes).toEqual([
      'known-unicast ipv4-udp default default',
      'ip-spoof ipv4-udp 0 0',
      'known-unicast raw 0 0',
      'unknown-unicast raw,ipv4-udp 0 0',
      'arp-request  0 0',
      'broadcast  0 0',
      'multicast raw,ipv4-udp 0 0',
      'known-unicast ipv4-udp default default',
    ]);
    expect(notes.join('\n')).toContain('no chain of nft decides');
    expect(beside).toEqual([]);
  });

  it('are not said to reach each other where the rules of nft could not be read', () => {
    const state = { ...stateOf(), nft: null, unread: [{ what: 'nft', why: 'it was refused' }] };
    expect(found({ state }).notes.join('\n')).toContain(
      'the chains of nft could not be read. Write a policy that says',
    );
  });

  it('are not to reach each other where the host forwards nothing, and are compared where a filter may act', () => {
    const off = found({ state: stateOf({ 'net.ipv4.ip_forward': '0' }) });
    expect(off.probes[0]).toBe('known-unicast ipv4-udp 0 0');
    expect(off.notes.join('\n')).toContain('none is to reach another');
    const filtered = found({ state: stateOf(undefined, { nft: filter }) });
    expect(filtered.probes[0]).toBe('known-unicast ipv4-udp 0 0');
    const open = ({ scenario }: typeof off): unknown => scenario.steps[0]?.probes[0]?.openByDesign;
    expect([open(off), open(filtered)]).toEqual([undefined, names]);
    expect(filtered.notes.join('\n')).toContain('what nft inet t f lets through');
  });

  it('are BROKEN where Calico lets nothing in, even if all are reached, and compared where a policy or profile does', () => {
    const rule = (chain: string, ...expr: readonly object[]): object => ({
      rule: { family: 'ip', table: 'filter', chain, expr },
    });
    const to = (device: string, chain: string): object =>
      rule(
        'cali-to-wl-dispatch',
        { match: { op: '==', left: { meta: { key: 'oifname' } }, right: device } },
        { goto: { target: chain } },
      );
    const dropped = { drop: null };
    const calico = {
      nftables: [
        to('tap1', 'cali-tw-one'),
        to('tap2', 'cali-tw-two'),
        to('tap3', 'cali-tw-three'),
        rule('cali-tw-one', { accept: null }),
        rule('cali-tw-one', dropped),
        rule('cali-tw-two', { jump: { target: 'cali-pri-kns.default' } }),
        rule('cali-tw-two', dropped),
        rule('cali-tw-three', dropped),
      ],
    };
    const { scenario } = found({ state: stateOf(undefined, { nft: calico }) });
    const asked = scenario.steps[0]?.probes.filter(({ class: name }) => name === 'known-unicast').slice(0, 2);
    expect(asked?.map(({ to: addressees, maySee, openByDesign }) => [addressees, maySee, openByDesign])).toEqual([
      [['tap1', 'tap3'], [], undefined],
      [['tap2'], [], ['tap2']],
    ]);
  });

  it('send from no forged address where a default route leads answers away, unless that is asked for', () => {
    const beside = {
      devices: [],
      bridges: [],
      routes: [...routes, { device: 'nic0', destination: 'default' }],
      sysctl: {},
    };
    expect(found({ beside }).probes.join()).not.toContain('ip-spoof');
    expect(found({ beside }, { classes: ['ip-spoof'] }).probes).toEqual(['ip-spoof ipv4-udp 0 0']);
  });

  it('are asked by IPv6 as well where they have it', () => {
    const both = [...neighbours, ...neighbours.map((known, at) => ({ ...known, address: `fd00::${at + 1}` }))];
    expect(found({ neighbours: both }).probes).toContain('known-unicast ipv6-udp 0 0');
  });

  it('are narrowed by name; two of them that reach each other are open to each other', () => {
    const two = found({}, { guests: ['tap1', 'tap2'] });
    expect([two.probes[0], two.scenario.steps[0]?.probes[0]?.openByDesign]).toEqual([
      'known-unicast ipv4-udp default default',
      ['tap1', 'tap2'],
    ]);
    expect(found({}, { bridge: 'routes' }).scenario.topology.endpoints).toHaveLength(3);
  });

  it('are observed only where the host has no MAC of one, and named beside where it has fewer than two', () => {
    const { scenario, notes } = found({ neighbours: neighbours.slice(0, 2) });
    expect(scenario.topology.endpoints.map(({ name, observedOnly }) => [name, observedOnly])).toEqual([
      ['tap1', undefined],
      ['tap2', undefined],
      ['tap3', 'told'],
    ]);
    expect(notes.join('\n')).toContain('tap3: the host does not know its MAC. It is observed only');
    expect(() => found({ neighbours: neighbours.slice(0, 1) })).toThrow(/routes of the host/);
  });
});

describe('the topology of a host that routes', () => {
  const scenario = found().scenario;

  it('has the MAC of the host at each port, MACs and addresses by neighbour, and guests that the file does not list', () => {
    const more = stateOf(undefined, { links: [...names, 'tap4'].map((name) => link(name)) });
    const bare = {
      ...scenario,
      topology: {
        ...scenario.topology,
        endpoints: scenario.topology.endpoints.map((endpoint) => ({ ...endpoint, macs: [], ips: [] })),
      },
    };
    const topology = hostTopology(bare, more, neighbours);
    expect(topology.bridgeMacs).toMatchObject({ tap1: 'ee:ee:ee:ee:ee:01', tap3: 'ee:ee:ee:ee:ee:03' });
    expect(
      topology.scenario.topology.endpoints.map(({ name, attach, macs, ips }) => [
        name,
        attach,
        macs[0],
        ips[0]?.address,
      ]),
    ).toEqual([
      ['tap1', 'routed', '52:54:00:00:00:01', '10.0.0.1'],
      ['tap2', 'routed', '52:54:00:00:00:02', '10.0.0.2'],
      ['tap3', 'routed', '52:54:00:00:00:03', '10.0.0.3'],
      ['tap4', 'routed', undefined, undefined],
    ]);
  });

  it.each([
    [
      'a port of a bridge',
      { links: [link('tap1', { master: 'br0' }), link('tap2'), link('tap3')] },
      'is a port of br0',
    ],
    ['no device', { links: [link('tap2'), link('tap3')] }, 'there is no interface "tap1"'],
    [
      'a device that has the name of the segment',
      { links: [...names, 'routes'].map((name) => link(name)) },
      'is a device',
    ],
    [
      'all but one that are down',
      { links: [link('tap1', { flags: [] }), link('tap2', { flags: [] }), link('tap3')] },
      'the interface is down',
    ],
  ])('is refused with %s', (_, over, text) => {
    const look = (): unknown => hostTopology(scenario, stateOf(undefined, over), neighbours);
    expect(look).toThrow(VerifyError);
    expect(look).toThrow(text);
  });
});
