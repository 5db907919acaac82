import { describe, expect, it } from 'vitest';
import { coverageOf, scopeOf } from '../../../../../src/core/judge/proof/coverage.js';
import { stepFacts } from '../../../../../src/core/judge/proof/step-facts.js';
import type { Plan } from '../../../../../src/core/model/plan.js';
import type { Result } from '../../../../../src/core/model/result.js';
import type { HostState, LinkState, OvsPortState } from '../../../../../src/core/model/state.js';
import { hostState, perfectRun, scenario, step } from '../../../../support/judge/perfect-run.js';
import { addLinks, changedState, setLink } from '../../../../support/link-state.js';

/** Coverage of a run in which these observers did not listen, around the state. */
function coverage(
  deaf: readonly string[] = [],
  state: HostState | null = hostState(),
  more: Partial<Plan> = {},
): Result['coverage'] {
  const { plan, timeline } = perfectRun();
  const heard = timeline.filter((entry) => entry.event !== 'listening' || !deaf.includes(entry.observer));
  return coverageOf({ ...plan, ...more }, stepFacts(plan, heard), [{ before: state, after: state }]);
}

it('says that no rule was asked where the run wished so, and that the scenario has no frame where it did not', () => {
  const { plan } = perfectRun();
  const chain = { chain: { family: 'netdev', table: 't', name: 'c', hook: 'ingress', dev: 'p0' } };
  const copies = { rule: { family: 'netdev', table: 't', chain: 'c', handle: 4, expr: [{ dup: { addr: 'p2' } }] } };
  const before = { ...hostState(), nft: { nftables: [chain, copies] } };
  const notAsked = (more: Partial<Plan>): string | undefined =>
    scopeOf({ ...plan, provider: 'host', ...more }, [{ before, after: before }], []).rules?.rules[0]?.notAsked;
  expect(notAsked({ asksRules: false })).toBe('--rules 0');
  expect(notAsked({})).toBe('the scenario has no frame for it');
});

describe('coverage', () => {
  it('is complete where every port of the bridge was heard, those that the kernel lists', () => {
    expect(coverage()).toEqual({ complete: true, observed: 4, ports: 4, unobserved: [] });
  });
  it('names the port that was not, and the step', () => {
    expect(coverage(['c'])).toEqual({
      complete: false,
      observed: 3,
      ports: 4,
      unobserved: [{ port: 'p2', reason: 'not observed in step 1, one' }],
    });
  });
  it('says why where the host knew it before', () => {
    expect(
      coverage(['c'], hostState(), { unobservable: [{ bridge: 'br9', port: 'p2', reason: 'no carrier' }] }).unobserved,
    ).toEqual([{ port: 'p2', reason: 'no carrier' }]);
  });
  it('is complete without a port that has no carrier all the while, and not if it comes up', () => {
    const off = setLink('p2', { flags: ['UP'] })(hostState());
    const { plan, timeline } = perfectRun();
    const heard = timeline.filter((entry) => entry.event !== 'listening' || entry.observer !== 'c');
    const unobservable = [{ bridge: 'br0', port: 'p2', reason: 'no carrier' }];
    const between = (after: HostState): Result['coverage'] =>
      coverageOf({ ...plan, unobservable }, stepFacts(plan, heard), [{ before: off, after }]);
    expect(between(off)).toEqual({ complete: true, observed: 3, ports: 3, unobserved: [] });
    expect(between(hostState()).unobserved).toEqual([{ port: 'p2', reason: 'no carrier' }]);
  });
  it('is not complete with a port that nobody can listen on, though the kernel lists it with no bridge', () => {
    expect(
      coverage([], hostState(), { unobservable: [{ bridge: 'br0', port: 'winxp', reason: 'behind the device' }] }),
    ).toEqual({ complete: false, observed: 4, ports: 5, unobserved: [{ port: 'winxp', reason: 'behind the device' }] });
    expect(
      coverage([], hostState(), { unobservable: [{ bridge: 'br9', port: 'winxp', reason: 'behind the device' }] }),
    ).toMatchObject({ complete: true, ports: 4 });
  });
  it.each(['veth', 'netkit'])(
    'is not complete with a bridge of several guests behind a port (%s), and is with one that leads to one guest',
    (kind) => {
      const link = (name: string, master: string | null, more: Partial<LinkState> = {}) => ({
        ...{ name, master, kind, ifindex: 100 + name.length, bridge: null, port: null },
        ...more,
      });
      const behind = (...guests: readonly string[]): Result['coverage'] =>
        coverage(
          [],
          changedState(
            hostState(),
            setLink('p1', { kind, lower: 'q1' }),
            addLinks('br0', link('br7', null, { kind: 'bridge' }), link('q1', 'br7', { lower: 'p1' })),
            addLinks('br0', ...guests.map((name) => link(name, 'br7'))),
          ),
        );
      expect(behind('r1').complete).toBe(true);
      expect(behind('r1', 'r3').unobserved).toEqual([
        { port: 'r1', reason: 'on br7, behind p1: list it too' },
        { port: 'r3', reason: 'on br7, behind p1: list it too' },
      ]);
    },
  );
  it('is not complete with a port of Open vSwitch that is no interface here, if the switch forwards to it', () => {
    const ovsPort = (name: string, over: Partial<OvsPortState> = {}): OvsPortState => ({
      name,
      bridge: 'br0',
      columns: {},
      ofport: 7,
      config: [],
      ...over,
    });
    const unheard = (...ports: readonly OvsPortState[]): Result['coverage'] =>
      coverage([], {
        ...hostState(),
        ovs: { bridges: [], ports: [ovsPort('p0', { ofport: 1 }), ...ports], mirrors: [] },
      });
    expect(unheard(ovsPort('gone', { ofport: null }), ovsPort('other', { bridge: 'br9' }))).toMatchObject({
      complete: true,
      ports: 4,
    });
    const kinds = {
      patch0: 'patch',
      vx0: 'vxlan',
      vhu0: 'dpdkvhostuserclient',
      eth9: 'internal',
      lost: undefined,
      odd: 'afxdp',
    } as const;
    expect(
      unheard(
        ...Object.entries(kinds).map(([name, type]) => ovsPort(name, type === undefined ? {} : { type })),
        ovsPort('bond0', { ofport: null, type: 'bond' }),
      ),
    ).toEqual({
      complete: false,
      observed: 4,
      ports: 11,
      unobserved: Object.entries({
        patch0: 'a patch port, which leads to another bridge',
        vx0: 'a tunnel (vxlan)',
        vhu0: 'an interface of DPDK (dpdkvhostuserclient)',
        eth9: 'its interface is in another network namespace',
        lost: 'its interface is in another network namespace',
        odd: 'of type afxdp',
        bond0: 'a bond of several interfaces',
      }).map(([port, what]) => ({ port, reason: `${what}: no packet socket hears what leaves there` })),
    });
  });
  it('is not complete where rules carry frames off the bridge to where nobody listens', () => {
    const apart = { kind: null, master: null, port: null };
    const { links } = changedState(
      hostState(),
      addLinks(
        'p0',
        { ...apart, name: 'tap9', kind: 'tun' },
        { ...apart, name: 'ifb0', kind: 'ifb' },
        { ...apart, name: 'eth9' },
        { ...apart, name: 'lo', flags: ['LOOPBACK', 'UP'] },
      ),
    );
    const mirred = (to: string, device = 'p0'): Partial<HostState> => ({
      tc: {
        qdisc: [],
        filters: {
          [`${device} ingress`]: [
            { options: { actions: [{ kind: 'mirred', mirred_action: 'mirror', direction: 'egress', to_dev: to }] } },
          ],
        },
      },
    });
    const nft = (expr: object): Partial<HostState> => ({
      nft: {
        nftables: [
          { chain: { family: 'netdev', table: 't', name: 'c', dev: 'p1' } },
          { rule: { family: 'netdev', table: 't', chain: 'c', handle: 4, expr: [expr] } },
        ],
      },
    });
    const copied = (more: Partial<HostState>): Result['coverage']['unobserved'] =>
      coverage([], { ...hostState(), links, ...more }).unobserved;
    expect(copied(mirred('tap9'))).toEqual([
      { port: 'tap9', reason: 'tc at p0 ingress carries frames there, and it is no port of br0' },
    ]);
    expect(copied(mirred('eth9', 'br0'))).toEqual([
      { port: 'eth9', reason: 'tc at br0 ingress carries frames there, and it is no port of br0' },
    ]);
    expect(copied(nft({ dup: { addr: 'tap9' } }))).toEqual([
      { port: 'tap9', reason: 'nft in netdev t c on p1 carries frames there, and it is no port of br0' },
    ]);
    expect(copied(nft({ fwd: { dev: 'tap9' } })).map((unheard) => unheard.port)).toEqual(['tap9']);
    const onward = (to: string): Partial<HostState> => ({
      tc: {
        qdisc: [],
        filters: Object.assign({}, ...[mirred('ifb0'), mirred(to, 'ifb0')].map(({ tc }) => Object(tc).filters)),
      },
    });
    expect(copied(onward('tap9')).map((unheard) => unheard.port)).toEqual(['tap9']);
    for (const harmless of [
      onward('p2'),
      onward('ifb0'),
      mirred('p2'),
      mirred('ifb0'),
      mirred('lo'),
      mirred('gone'),
      mirred('tap9', 'eth9'),
      nft({ dup: { addr: 'p2' } }),
      nft({ dup: { addr: '10.0.0.1' } }),
    ])
      expect(copied(harmless)).toEqual([]);
    expect(
      coverage(['c'], { ...hostState(), links, ...mirred('tap9') }).unobserved.map((unheard) => unheard.port),
    ).toEqual(['p2', 'tap9']);
  });
  it('counts no port of another bridge, and no link that is no port', () => {
    const others = addLinks('p0', { name: 'x', master: 'br9' }, { name: 'y', master: null });
    expect(coverage([], others(hostState()))).toMatchObject({ complete: true, ports: 4 });
  });
  it('is not complete with a port that joined while something happened', () => {
    const { plan, timeline } = perfectRun();
    const joined = (during: Plan['steps'][number]['during'], master: string | null = 'br0'): Result['coverage'] =>
      coverageOf({ ...plan, steps: plan.steps.map((each) => ({ ...each, during })) }, stepFacts(plan, timeline), [
        { before: hostState(), after: addLinks('p0', { name: 'tap9', master })(hostState()) },
      ]);
    expect(joined([{ atMs: 0, run: [], settleMs: 0 }])).toEqual({
      complete: false,
      observed: 4,
      ports: 5,
      unobserved: [{ port: 'tap9', reason: 'joined br0 in the middle of step 1, one' }],
    });
    for (const covered of [
      joined([]),
      joined([{ atMs: 0, run: [], settleMs: 0 }], 'br9'),
      joined([{ atMs: 0, run: [], settleMs: 0 }], null),
    ])
      expect(covered).toMatchObject({ complete: true, ports: 4 });
  });
  it('of nothing is not complete', () => {
    expect(coverage([], null)).toEqual({ complete: false, observed: 0, ports: 0, unobserved: [] });
    expect(coverageOf(perfectRun().plan, [], [])).toEqual({ complete: false, observed: 0, ports: 0, unobserved: [] });
  });
  it('takes a port for observed only where it was in every step', () => {
    const { plan, timeline } = perfectRun(scenario([step(), step({ name: 'two' })]));
    const facts = stepFacts(
      plan,
      timeline.filter((entry) => entry.event !== 'listening' || entry.step === 0 || entry.observer !== 'c'),
    );
    const states = plan.steps.map(() => ({ before: hostState(), after: hostState() }));
    expect(coverageOf(plan, facts, states)).toEqual({
      complete: false,
      observed: 3,
      ports: 4,
      unobserved: [{ port: 'p2', reason: 'not observed in step 2, two' }],
    });
  });
});
