import { describe, expect, it } from 'vitest';
import { hostTopology } from '../../../../src/core/discover/host-topology.js';
import type { HostState, LinkState } from '../../../../src/core/model/state.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { bridgesPassed } from '../../../../src/core/plan/observers.js';
import { loadScenario } from '../../../../src/core/scenario/load-scenario.js';
import { coverageOf } from '../../../../src/core/judge/proof/coverage.js';
import { composed } from '../../../support/discover/composed.js';
import { learnedAt, setLink, stateWith, upLink } from '../../../support/link-state.js';

const forwarding = { state: 'forwarding', learning: true };
const link = (name: string, master: string, more: Partial<LinkState> = {}): LinkState =>
  upLink(name, { mac: `06:00:00:00:00:${name.slice(-2)}`, kind: 'tun', master, port: forwarding, ...more });
const bridge = (name: string): LinkState =>
  upLink(name, { mac: '06:00:00:00:01:01', kind: 'bridge', bridge: { ageing_time: 30000 } });
const mac = (n: number): string => `52:54:00:00:00:0${n}`;

/** Guests 1 and 2 of `net` are behind hops, guest 3 on it. */
const state: HostState = stateWith(
  [
    bridge('net'),
    link('c03', 'net'),
    ...[1, 2].flatMap((n) => [
      bridge(`hop${n}`),
      link(`c0${n}`, `hop${n}`),
      link(`i1${n}`, `hop${n}`, { kind: 'veth', lower: `o2${n}` }),
      link(`o2${n}`, 'net', { kind: 'veth', lower: `i1${n}` }),
    ]),
  ],
  {
    fdb: [
      learnedAt(mac(1), 'o21', { master: 'net', state: 'dynamic' }),
      // what the hop itself says by neighbour discovery
      learnedAt('06:00:00:00:00:01', 'o21', { master: 'net', state: 'dynamic' }),
      learnedAt(mac(2), 'o22', { master: 'net', state: 'dynamic' }),
      learnedAt(mac(3), 'c03', { master: 'net', state: 'dynamic' }),
    ],
  },
);

describe('a guest behind a hop', () => {
  const { whole, scenario } = composed({ state });
  const found = hostTopology(scenario, state, []).scenario;

  it('is on the bridge beyond, by its own port and its own MAC', () => {
    expect(whole.scenario.topology.bridges).toEqual({ net: {} });
    expect(Object.values(whole.scenario.topology.endpoints).map((each) => [each, each.bridge])).toMatchObject([
      [{ port: 'c03' }, 'net'],
      [{ port: 'c01', mac: mac(1) }, 'net'],
      [{ port: 'c02', mac: mac(2) }, 'net'],
    ]);
  });

  it('is the bridge’s port to the kernel, and listens and sends at its own', () => {
    expect(found.topology.endpoints.map(({ port, hop }) => [port, hop])).toEqual([
      ['c03', undefined],
      ['o21', { bridge: 'hop1', near: 'c01' }],
      ['o22', { bridge: 'hop2', near: 'c02' }],
    ]);
  });

  it('may be named by either end of the hop, or by none', () => {
    const text = (ends: string): string =>
      `version: 1\nname: t\ntopology:\n  provider: host\n  bridges: { net: {} }\n  endpoints: {${ends}}\nsteps: [ { name: s, probe: [ { class: broadcast, from: a } ], expect: unjudged } ]\n`;
    const ports = (ends: string): readonly unknown[] =>
      hostTopology(loadScenario('t.yml', Buffer.from(text(ends))), state, []).scenario.topology.endpoints.map(
        ({ name, port, hop }) => [name, port, hop?.near],
      );
    const named = [
      ['a', 'o21', 'c01'],
      ['c03', 'c03', undefined],
      ['o22', 'o22', 'c02'],
    ];
    expect(ports(' a: { bridge: net, port: c01 } ')).toEqual(named);
    expect(ports(' a: { bridge: net, port: o21 } ')).toEqual(named);
  });

  it('has its hop among what a step watches', () => {
    const plan = makePlan(found, { runTag: 1, keySha256: '', bridgeMacs: { net: '06:00:00:00:01:01' } });
    const [step] = plan.steps;
    expect([...bridgesPassed(step ?? { observers: [] })].sort()).toEqual(['hop1', 'hop2', 'net']);
    expect(coverageOf(plan, [], [{ before: state, after: state }]).ports).toBe(3);
  });

  it('is left out without carrier, though the port of the bridge has one', () => {
    const off = setLink('c01', { flags: ['UP'] })(state);
    const { notes, scenario: written } = composed({ state: off }).whole;
    expect(notes).toContain('left out: o21: the guest’s port behind it has no carrier');
    expect(Object.keys(written.topology.endpoints)).toEqual(['c03', 'c02']);
  });
});

describe('a guest that has not spoken', () => {
  const silent: HostState = { ...state, fdb: [] };
  const guest = (port: string, n: number) => ({
    ...({ manager: 'qemu', name: `vm${n}`, port, mac: mac(n), ips: [], zone: null } as const),
  });
  const guests = [guest('c01', 1), guest('c02', 2), guest('c03', 3)];
  const asked = (host: HostState, records = guests) =>
    composed({ state: host, inventory: { guests: records, unread: [] } });

  it('is asked with the MAC that its manager reports', () => {
    const { whole, scenario } = asked(silent);
    expect(scenario.steps[0]?.probes[0]).toMatchObject({ class: 'known-unicast', from: ['vm3', 'vm1', 'vm2'] });
    expect(whole.notes).toContain(
      'vm3, vm1, vm2: net does not know its MAC: the run sends with the one that qemu reports',
    );
  });

  it('is not spoken for where its bridge has the MAC at another port', () => {
    const moved = { ...silent, fdb: [learnedAt(mac(1), 'c03', { master: 'net', state: 'dynamic' })] };
    expect(asked(moved, guests.slice(0, 2)).whole.scenario.topology.endpoints['vm1']).toMatchObject({
      observed_only: true,
    });
  });

  it('is not spoken for where it may still run on another host', () => {
    const [first, ...others] = guests;
    const arriving = first === undefined ? others : [{ ...first, isArriving: true }, ...others];
    const { endpoints } = asked(silent, arriving).whole.scenario.topology;
    expect([endpoints['vm1'], endpoints['vm2']]).toMatchObject([{ observed_only: true }, { mac: mac(2) }]);
    expect(endpoints['vm2']).not.toHaveProperty('observed_only');
  });

  it('is not spoken for where its port learns nothing', () => {
    const deaf = setLink('o21', { port: { ...forwarding, learning: false } })(silent);
    expect(asked(deaf).whole.notes.join('\n')).toContain('vm1: learning is off at o21');
  });

  it('is asked with the MAC that its hop has learned', () => {
    const known = { ...silent, fdb: [learnedAt(mac(1), 'c01', { master: 'hop1', state: 'dynamic' })] };
    expect(asked(known, guests.slice(1)).whole.scenario.topology.endpoints['c01']).toEqual({
      ...{ bridge: 'net', port: 'c01', mac: mac(1) },
    });
  });

  it('and has no MAC on record is only observed', () => {
    const { endpoints } = asked(silent, guests.slice(1)).whole.scenario.topology;
    expect(endpoints['c01']).toMatchObject({ observed_only: true });
    expect(() => asked(silent, [])).toThrow('cannot test');
  });
});
