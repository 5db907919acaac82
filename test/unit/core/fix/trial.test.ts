import { describe, expect, it } from 'vitest';
import { execute, setBridge, setPort } from '../../../../src/core/bridge/changes.js';
import { talkersOf } from '../../../../src/core/fix/reach.js';
import { fixText } from '../../../../src/core/fix/fix-text.js';
import { type FixTrial, fixTrials } from '../../../../src/core/fix/trial.js';
import type { Change } from '../../../../src/core/model/fabric.js';
import type { Cause, Result, StepResult } from '../../../../src/core/model/result.js';
import type { Endpoint, Scenario, Step } from '../../../../src/core/model/scenario.js';
import { judge, perfectRun, scenario, step } from '../../../support/judge/perfect-run.js';
import { zero } from '../../../support/judge/row-fixture.js';

const cause = (code: Cause['code'], ...changes: readonly Change[]): Cause => ({
  code,
  place: '',
  value: '',
  text: '',
  fix: fixText({ changes }),
  ...(changes.length === 0 ? {} : { changes }),
});
const leak = (...causes: readonly ReturnType<typeof cause>[]): StepResult['findings'][number] => ({
  ...zero,
  leak: true,
  seen: 3,
  causes,
});
const flood = cause('unknown-flood', setPort('p2', 'flood', false));
const whole: Result = judge(perfectRun());
function trials(
  results: readonly Partial<StepResult>[],
  of: Scenario = scenario(results.map((_, at) => step({ name: `s${at + 1}` }))),
): readonly FixTrial[] {
  const [step] = whole.steps;
  if (step === undefined) throw new Error('no step');
  return fixTrials(of, { ...whole, steps: results.map((over) => ({ ...step, ...over })) });
}
const broken = (...findings: StepResult['findings']): Partial<StepResult> => ({ verdict: 'broken', findings });
const withStep = (of: Step, topology: Partial<Scenario['topology']> = {}): Scenario => {
  const base = scenario([of]);
  return { ...base, topology: { ...base.topology, ...topology } };
};
const { endpoints } = scenario([]).topology;
const vlan = { port: 'p0', first: 10, last: 10, pvid: false, untagged: false };
const member = { group: '239.1.1.1', port: 'p1', vlan: null };
function stepsOf(trial: FixTrial | undefined): readonly Step[] {
  return trial?.scenario.steps ?? [];
}

describe('trials of fixes', () => {
  it('are one for each cause of a leak in a broken step, with all its commands once', () => {
    const reported = trials([
      broken(
        leak(flood, cause('group-flood', setPort('p2', 'bcast_flood', false), setBridge('br0', 'ageing_time', 9))),
        leak(flood, cause('unknown-flood', setPort('p1', 'flood', false))),
      ),
    ]);
    expect(reported.map(({ step: at, cause: code, commands }) => [at, code, commands])).toEqual([
      [0, 'unknown-flood', ['bridge link set dev p2 flood off', 'bridge link set dev p1 flood off']],
      [0, 'group-flood', ['bridge link set dev p2 bcast_flood off', 'ip link set dev br0 type bridge ageing_time 9']],
    ]);
    expect(reported[0]?.scenario.name).toBe('test, step 1, fix for unknown-flood');
    expect(stepsOf(reported[0])[2]?.run).toEqual([
      ['bridge', 'link', 'set', 'dev', 'p2', 'flood', 'off'],
      ['bridge', 'link', 'set', 'dev', 'p1', 'flood', 'off'],
    ]);
  });
  it.each<[string, readonly Partial<StepResult>[]]>([
    ['that holds', [{ verdict: 'holds', findings: [leak(flood)] }]],
    ['whose rows do not leak', [broken({ ...leak(flood), leak: false })]],
    ['whose cause has no fix', [broken(leak(cause('sniffer-on-host')))]],
    ['whose fix is words to people', [broken(leak({ ...cause('nat'), fix: 'tell somebody' }))]],
    [
      'of which one command is no program that may run',
      [broken(leak(cause('nat', setPort('p2', 'flood', false), execute('rm', '-rf', 'x'))))],
    ],
  ])('are none for a step %s', (_, results) => expect(trials(results)).toEqual([]));
  it('are none for a step that the scenario has not', () =>
    expect(trials([broken(leak(flood)), broken(leak(flood))], scenario([step()]))).toHaveLength(1));

  it('make what earlier steps changed, without their probes, then the step, and say where each is', () => {
    const first = step({
      name: 's1',
      set: [{ device: 'br0', settings: { ageing_time: 0 } }],
      waitMs: 500,
      listenMs: 9,
      during: [{ atMs: 1, run: [], settleMs: 0 }],
      accept: [{ observer: 'c', class: 'x', reason: '', owner: null, ticket: null, until: null }],
    });
    const second = step({
      name: 's2',
      accept: [{ observer: 'c', class: 'x', reason: '', owner: null, ticket: null, until: null }],
    });
    const [trial] = trials([{ verdict: 'holds' }, broken(leak(flood))], scenario([first, second]));
    expect(trial).toMatchObject({ step: 1, at: { before: 1, reachBefore: 2, after: 3, reachAfter: 4 } });
    expect(stepsOf(trial).map(({ name }) => name)).toEqual([
      's1',
      's2',
      'who is reached',
      's2, with the fix',
      'guests that are still reached',
    ]);
    expect(stepsOf(trial)[0]).toMatchObject({
      set: first.set,
      waitMs: 0,
      probes: [],
      traffic: [],
      listenMs: null,
      during: [],
      accept: [],
      expect: { expected: null },
    });
    expect(stepsOf(trial)[1]).toEqual({ ...second, accept: [] });
  });
  it('repeat the step with the fix instead of its changes, but for what it flushed, and expect nothing to be seen', () => {
    const entry = {
      mac: '02:00:00:00:00:01',
      port: 'p0',
      state: 'static',
      sticky: false,
      vlan: null,
      self: false,
    } as const;
    const claim = { observer: 'c', from: null, to: null, carrier: null, seen: 'all' } as const;
    const of = step({
      name: 's',
      set: [{ device: 'br0', settings: { ageing_time: 0 } }],
      sysctl: { x: '1' },
      vlan: { add: [vlan], del: [vlan] },
      mdb: { add: [member], del: [member] },
      fdb: { flush: ['br0'], del: [entry], add: [entry] },
      start: ['a'],
      stop: ['lan'],
      run: [['nft', 'x']],
      waitMs: 70,
      probes: step().probes.map((probe) => ({ ...probe, seen: [claim] })),
      traffic: [
        { kind: 'http', from: 'a', to: 'b', requests: 1, bytes: 1, maySee: null, mustSee: null, seen: [claim] },
      ],
      expect: { ...step().expect, expected: 'broken', seen: [claim] },
    });
    expect(stepsOf(trials([broken(leak(flood))], withStep(of))[0])[2]).toMatchObject({
      set: [],
      sysctl: {},
      vlan: { add: [], del: [] },
      mdb: { add: [], del: [] },
      fdb: { flush: ['br0'], del: [], add: [] },
      start: [],
      stop: [],
      waitMs: 70,
      accept: [],
      probes: [{ class: 'known-unicast', seen: [] }],
      traffic: [{ kind: 'http', seen: [] }],
      expect: { expected: 'holds', seen: [] },
    });
  });
  it('wait for a fix that acts only after a while', () => {
    const waits = (code: Cause['code'], waitMs: number): number | undefined =>
      stepsOf(
        trials([broken(leak(cause(code, setBridge('br0', 'mcast_querier', true))))], withStep(step({ waitMs })))[0],
      )[2]?.waitMs;
    expect([waits('no-querier', 0), waits('no-querier', 20_000), waits('nat', 5)]).toEqual([11_000, 20_000, 5]);
  });
});

describe('who is reached', () => {
  const reach = (topology: Partial<Scenario['topology']> = {}, of: Step = step()): Step | undefined =>
    stepsOf(trials([broken(leak(flood))], withStep(of, topology))[0])[1];
  const probes = (...args: Parameters<typeof reach>): unknown =>
    reach(...args)?.probes.map(({ class: name, from, to, mustSee, carriers }) => [name, from, to, mustSee, carriers]);
  const names = ['a', 'b', 'c', 'lan'];

  it('is asked by what guests live on: frames and ARP both ways, DHCP, frames between guests', () => {
    expect(probes()).toEqual([
      ['known-unicast', ['lan'], ['a', 'b', 'c'], null, ['raw', 'arp']],
      ['known-unicast', ['a', 'b', 'c'], ['lan'], null, ['raw', 'arp']],
      ['known-unicast', ['a', 'b', 'c'], ['a', 'b', 'c'], null, ['raw']],
      ['arp-request', ['lan'], ['a'], ['a', 'b', 'c'], ['arp']],
      ['arp-request', ['a', 'b', 'c'], ['lan'], ['lan'], ['arp']],
      ['broadcast', ['a', 'b', 'c'], null, ['lan'], ['ipv4-udp']],
    ]);
    const changing = step({
      set: [{ device: 'br0', settings: { ageing_time: 0 } }],
      sysctl: { x: '1' },
      vlan: { add: [vlan], del: [vlan] },
      fdb: { flush: ['br0'], del: [], add: [] },
      mdb: { add: [member], del: [member] },
      run: [['nft']],
      learn: ['a'],
    });
    expect(reach({}, changing)).toEqual({
      ...step(),
      name: 'who is reached',
      learn: names,
      probes: expect.anything(),
      expect: { expected: null, maySee: null, mustSee: null, seen: [], observers: null },
    });
    expect(reach()?.probes[0]).toEqual({
      class: 'known-unicast',
      from: ['lan'],
      to: ['a', 'b', 'c'],
      via: null,
      bothWays: false,
      acrossBridges: false,
      count: 20,
      rate: null,
      carriers: ['raw', 'arp'],
      vlanStacks: [[]],
      srcMac: null,
      dstMac: null,
      srcIp: null,
      dstIp: null,
      group: null,
      size: null,
      maySee: names,
      mustSee: null,
      seen: [],
    });
  });
  it('is asked by the first guest where there is no uplink', () => {
    expect(reach({ endpoints: endpoints.filter(({ name }) => name !== 'lan') })?.probes[0]).toMatchObject({
      from: ['a'],
      to: ['b', 'c'],
      maySee: ['a', 'b', 'c'],
    });
  });
  it('is asked by the gateway of a guest where no endpoint is the uplink', () => {
    const ip = { family: 4, address: '192.0.2.254', prefix: 24 } as const;
    const routed = endpoints
      .filter(({ name }) => name !== 'lan')
      .map((each): Endpoint => ({ ...each, gateway: ip.address, ips: each.name === 'c' ? [ip] : each.ips }));
    expect(reach({ endpoints: routed })?.probes[0]).toMatchObject({ from: ['c'], to: ['a', 'b'] });
  });
  it('is asked of members of groups, and of IPv6 neighbours by the group of their address', () => {
    const ip = { family: 6, address: 'fd00::12:3456', prefix: 64 } as const;
    const withIpv6 = endpoints.map((each): Endpoint => (each.name === 'a' ? { ...each, ips: [ip] } : each));
    const reported = reach({ endpoints: withIpv6 }, step({ mdb: { add: [member], del: [] } }))?.probes;
    expect(reported?.filter(({ class: name }) => name === 'multicast')).toMatchObject([
      { from: ['lan'], group: '239.1.1.1', mustSee: null },
      { from: ['lan'], group: 'ff02::1:ff12:3456', mustSee: ['a'], carriers: ['ipv6-icmp'] },
    ]);
  });
  it('is asked between neighbours where there are many', () => {
    const many = Array.from({ length: 9 }, (_, at) =>
      endpoints.slice(0, 1).map((each) => ({ ...each, name: `g${at}`, port: `p${at}` })),
    ).flat();
    expect(
      reach({ endpoints: many })
        ?.probes.filter(({ bothWays }) => bothWays)
        .map(({ from, to }) => [...from, ...(to ?? [])]),
    ).toEqual(Array.from({ length: 7 }, (_, at) => [`g${at + 1}`, `g${at + 2}`]));
  });
  it('is asked of who is there, has a MAC, is no host and on the same bridge', () => {
    const change = (name: string, over: Partial<Endpoint>): Partial<Scenario['topology']> => ({
      endpoints: endpoints.map((each) => (each.name === name ? { ...each, ...over } : each)),
    });
    const asked = (...args: Parameters<typeof reach>): unknown => reach(...args)?.probes[0]?.to;
    expect([
      asked(change('b', { macs: [] })),
      asked(change('b', { attach: 'host' })),
      asked(change('b', { bridge: 'br1' })),
      asked(change('b', { started: false })),
      asked({}, step({ stop: ['c'] })),
      asked(change('b', { started: false }), step({ start: ['b'] })),
    ]).toEqual([
      ['a', 'c'],
      ['a', 'c'],
      ['a', 'c'],
      ['a', 'c'],
      ['a', 'b'],
      ['a', 'b', 'c'],
    ]);
    expect(reach({ endpoints: endpoints.slice(0, 1) })?.probes).toEqual([]);
    expect(reach({ endpoints: [] })?.probes).toEqual([]);
    const later = scenario([step(), step({ stop: ['c'] })]);
    expect(trials([broken(leak(flood)), {}], later)[0]?.scenario.steps[1]?.probes[0]?.to).toEqual(['a', 'b', 'c']);
  });
  it('is asked on each bridge: a fix on one of them may cut off its guests alone', () => {
    const more = ['d', 'e'].map(
      (name): Endpoint => ({ ...(endpoints[0] as Endpoint), name, bridge: 'br1', port: name }),
    );
    const topology = { endpoints: [...endpoints, ...more] };
    const byTalker = reach(topology)?.probes.filter(({ carriers }) => carriers?.join() === 'raw,arp');
    expect(byTalker?.map(({ from, to }) => [from, to])).toEqual([
      [['lan'], ['a', 'b', 'c']],
      [['a', 'b', 'c'], ['lan']],
      [['d'], ['e']],
      [['e'], ['d']],
    ]);
    expect(talkersOf(topology.endpoints)).toEqual(['lan', 'd']);
  });
  it('is asked of 32 at most', () => {
    const many = Array.from({ length: 40 }, (_, at) =>
      endpoints.slice(0, 1).map((each) => ({ ...each, name: `g${at}`, port: `p${at}` })),
    ).flat();
    expect(reach({ endpoints: many })?.probes[0]?.to).toHaveLength(32);
  });
});
