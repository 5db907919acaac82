import { describe, expect, it } from 'vitest';
import type { Plan, StepPlan } from '../../../../src/core/model/plan.js';
import type { Endpoint, ProbeEntry, Scenario, Step } from '../../../../src/core/model/scenario.js';
import { describeObserver, evidenceInterfaces } from '../../../../src/core/plan/evidence-interfaces.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { observersOf } from '../../../../src/core/plan/observers.js';
import { scenario, step } from '../../../support/judge/perfect-run.js';

const [probe] = step().probes;
if (probe === undefined) throw new Error('the fixture has changed');
const probing = (over: Partial<ProbeEntry> = {}): Partial<Step> => ({ probes: [{ ...probe, ...over }] });
function planOf(
  steps: readonly Step[],
  over: Partial<Scenario['topology']> = {},
  more: Partial<Parameters<typeof makePlan>[1]> = {},
): Plan {
  const of = scenario(steps);
  return makePlan({ ...of, topology: { ...of.topology, ...over } }, { runTag: 7, keySha256: '00', ...more });
}
function first(over: Partial<Step>, topology: Partial<Scenario['topology']> = {}): StepPlan {
  const [stepPlan] = planOf([step(over)], topology).steps;
  if (stepPlan === undefined) throw new Error('no step');
  return stepPlan;
}
const { endpoints, bridges } = scenario([]).topology;
const guest = (over: Partial<Endpoint>): Endpoint => {
  const [endpoint] = endpoints;
  if (endpoint === undefined) throw new Error('the fixture has changed');
  return { ...endpoint, ...over };
};
const behind = guest({ name: 'winxp', attach: 'promiscuous', port: 'tap9', macs: ['00:0c:29:00:00:01'] });
const above = guest({ name: 'vm', attach: 'macvlan', port: 'mv0', macs: ['52:54:00:00:00:77'] });
const hostEnd = guest({ name: 'host', attach: 'host', port: null, role: 'host', macs: [] });

describe('the flows of a step', () => {
  const pairs = (over: Partial<ProbeEntry>, topology: Partial<Scenario['topology']> = {}): readonly string[] =>
    first(probing(over), topology).flows.map(({ from, to }) => `${from}>${to ?? ''}`);
  it('are every pair of a sender and an addressee, none with itself', () => {
    expect(pairs({ from: ['a', 'b'], to: ['b', 'c'] })).toEqual(['a>b', 'a>c', 'b>c']);
    expect(pairs({ from: ['a'], to: ['a'] })).toEqual([]);
    for (const acrossBridges of [false, true])
      expect(pairs({ from: ['a', 'nobody'], to: ['b', 'nobody'], acrossBridges })).toEqual(['a>b']);
  });
  it.each([
    [{ from: ['a'], to: ['b', 'c'], bothWays: true }, ['a>b', 'b>a', 'a>c', 'c>a']],
    [{ from: ['a', 'b'], to: ['a', 'b'], bothWays: true }, ['a>b', 'b>a']],
    [{ from: ['a', 'b'], to: ['b'], bothWays: true }, ['a>b', 'b>a']],
  ])('go both ways where that is asked for, and none twice: case %#', (over, expected) =>
    expect(pairs(over)).toEqual(expected),
  );
  it('cross bridges only where that is asked for', () => {
    const apart = {
      endpoints: endpoints.map((endpoint) => (endpoint.name === 'c' ? { ...endpoint, bridge: 'br1' } : endpoint)),
    };
    expect(pairs({ from: ['a'], to: ['b', 'c'] }, apart)).toEqual(['a>b']);
    expect(pairs({ from: ['a'], to: ['b', 'c'], acrossBridges: true }, apart)).toEqual(['a>b', 'a>c']);
  });
  it('are one for each carrier and each stack of tags', () => {
    expect(
      first(probing({ carriers: ['raw', 'arp'], vlanStacks: [[], [10]] })).flows.map(
        ({ carrier, vlan }) => `${carrier} ${vlan.join()}`,
      ),
    ).toEqual(['raw ', 'raw 10', 'arp ', 'arp 10']);
  });
  it('must and may be seen by whom the entry says, else the step, else the class', () => {
    const seen = (entry: Partial<ProbeEntry>, expect_: Partial<Step['expect']>): unknown =>
      first({ ...probing(entry), expect: { ...step().expect, ...expect_ } }).flows.map(({ must, may }) => [
        must,
        may,
      ])[0];
    expect(seen({}, {})).toEqual([['b'], expect.arrayContaining(['b'])]);
    expect(seen({}, { mustSee: ['c'], maySee: ['lan'] })).toEqual([['c'], ['lan']]);
    expect(seen({ mustSee: [], maySee: ['b'] }, { mustSee: ['c'], maySee: ['lan'] })).toEqual([[], ['b']]);
  });
  it('that are not judged must and may be seen by nobody in particular', () => {
    const quiet = first(probing({ class: 'mac-steal', via: ['c'], mustSee: ['lan'], maySee: ['lan'] })).flows.filter(
      ({ judged }) => !judged,
    );
    expect(quiet.length).toBeGreaterThan(0);
    for (const { must, may } of quiet) expect([must, may]).toEqual([[], []]);
  });
  it('number through over the whole run, entries of probes as well', () => {
    const { steps } = planOf([step(probing({ count: 3, bothWays: true })), step(probing({ count: 2 }))]);
    const flows = steps.flatMap((step) => [...step.flows]);
    expect(flows.map(({ id, step: at, probe: entry, count }) => [id, at, entry, count])).toEqual([
      [0, 0, 0, 3],
      [1, 0, 0, 3],
      [2, 1, 0, 2],
    ]);
    expect(flows[2]?.first).toBe(6 + (steps[0]?.controls.length ?? 0));
    const two = first({ probes: [probe, { ...probe, from: ['b'], to: ['c'] }] });
    expect(two.flows.map(({ probe: entry }) => entry)).toEqual([0, 1]);
  });
});

describe('a step of a plan', () => {
  it('that only changes things listens nowhere, proves nothing and expects nothing', () => {
    expect(first({ probes: [], expect: { ...step().expect, expected: 'holds' } })).toMatchObject({
      observers: [],
      controls: [],
      filter: '',
      expect: { expected: null },
    });
    for (const over of [
      { probes: [], listenMs: 5 },
      {
        probes: [],
        traffic: [{ kind: 'http', from: 'a', to: 'b', requests: 1, bytes: 1, maySee: null, mustSee: null, seen: [] }],
      } as const,
      {},
    ]) {
      expect(first(over)).toMatchObject({ expect: { expected: 'holds' } });
      expect(first(over).observers).toHaveLength(5);
      expect(first(over).controls.length).toBeGreaterThan(0);
    }
  });
  it('lets traffic be seen by its two ends, unless the entry or the step says who', () => {
    const talk = {
      kind: 'http',
      from: 'a',
      to: 'b',
      requests: 4,
      bytes: 9,
      maySee: null,
      mustSee: null,
      seen: [],
    } as const;
    const traffic = (over: object, expect_: Partial<Step['expect']> = {}): unknown =>
      first({ probes: [], traffic: [{ ...talk, ...over }], expect: { ...step().expect, ...expect_ } }).traffic[0];
    expect(traffic({})).toEqual({
      kind: 'http',
      from: 'a',
      to: 'b',
      requests: 4,
      bytes: 9,
      must: ['a', 'b'],
      may: ['a', 'b'],
    });
    expect(traffic({}, { mustSee: ['b'], maySee: ['c'] })).toMatchObject({ must: ['b'], may: ['c'] });
    expect(traffic({ mustSee: ['a'], maySee: ['lan'] }, { mustSee: ['b'], maySee: ['c'] })).toMatchObject({
      must: ['a'],
      may: ['lan'],
    });
  });
  it('sends at the least rate that is written, at 1,000 a second what disturbs, else as fast as it may', () => {
    const rate = (...entries: readonly Partial<ProbeEntry>[]): number | null =>
      first({ probes: entries.map((over) => ({ ...probe, ...over })) }).rate;
    expect(rate({})).toBeNull();
    expect(rate({ rate: 500 }, { rate: 70 }, {})).toBe(70);
    const rates = (...entries: readonly Partial<ProbeEntry>[]): StepPlan['rates'] =>
      first({ probes: entries.map((over) => ({ ...probe, ...over })) }).rates;
    expect(rates({ rate: 500 }, { rate: 70 })).toEqual([500, 70]);
    expect([rates({ rate: 500 }, { rate: 70 }, {}), rates({ rate: 70 }, { rate: 70 })]).toEqual([undefined, undefined]);
    expect(rate({ class: 'mac-steal', via: ['c'] }, {})).toBe(1000);
    expect(rate({ class: 'mac-steal', via: ['c'], rate: 20 })).toBe(20);
    expect(first({ ...probing({ count: 300 }), during: [{ atMs: 2000, run: [['x']], settleMs: 0 }] }).rate).toBe(85);
    expect(
      first({
        ...probing({ count: 300 }),
        during: [
          { atMs: 2000, run: [['x']], settleMs: 1500 },
          { atMs: 0, run: [['x']], settleMs: 0 },
        ],
      }).rate,
    ).toBe(54);
    expect(
      first({ ...probing({ count: 300, rate: 30 }), during: [{ atMs: 2000, run: [['x']], settleMs: 0 }] }).rate,
    ).toBe(30);
  });
  it('names what its classes bring about on purpose, each once, and nothing where they do not', () => {
    expect(first({})).not.toHaveProperty('provokes');
    expect(
      first({
        probes: [
          { ...probe, class: 'stp-root', to: null },
          { ...probe, class: 'stp-root', to: null, from: ['b'] },
        ],
      }).provokes,
    ).toEqual([...new Set(first(probing({ class: 'stp-root', to: null })).provokes)]);
    expect(first(probing({ class: 'stp-root', to: null })).provokes).toContain('not-forwarding');
  });
  it('whose probes may close a port proves entry before them only', () => {
    const phases = (entry: Partial<ProbeEntry>): readonly string[] =>
      first(probing(entry))
        .controls.filter(({ kind }) => kind === 'entry')
        .map(({ phase }) => phase);
    expect(phases({ class: 'stp-root', to: null })).toEqual(['before']);
    expect(phases({})).toEqual(['before', 'between', 'after']);
  });
  it('keeps as much of a frame as its token needs, and waits as its place asks', () => {
    const of = (over: Partial<ProbeEntry>, provider: 'lab' | 'host'): readonly number[] => {
      const { snaplen, drainMs } = first(probing(over), { provider });
      return [snaplen, drainMs];
    };
    const offer = { class: 'dhcp-offer', carriers: ['ipv4-udp'] } as const;
    expect([of({}, 'lab'), of({}, 'host'), of(offer, 'host'), of(offer, 'lab')]).toEqual([
      [2048, 50],
      [524, 1000],
      [524, 1000],
      [2048, 50],
    ]);
  });
  const switched = bridges.map((bridge) => ({ ...bridge, kind: 'ovs' as const }));
  it.each<[string, number, readonly Partial<Step>[], Partial<Scenario['topology']>, number]>([
    ['the kernel alone carries frames', 50, [{}], {}, 0],
    ['more is asked for', 400, [{}], {}, 400],
    ['a command was run', 150, [{ run: [['x']] }, {}], {}, 0],
    ['a command is run meanwhile', 150, [{ during: [{ atMs: 0, run: [['x']], settleMs: 0 }] }], {}, 0],
    ['a command is run in a later step alone', 50, [{}, { run: [['x']] }], {}, 0],
    ['a relay carries them', 150, [{}], { endpoints: [...endpoints, behind] }, 0],
    ['a macvlan gets broadcasts from a work queue', 150, [{}], { endpoints: [...endpoints, above] }, 0],
    ['a relay is not started yet', 50, [{}], { endpoints: [...endpoints, { ...behind, started: false }] }, 0],
    ['a switch in user space carries them', 150, [{}], { bridges: switched }, 0],
  ])('waits in a lab where %s: %i ms', (_, expected, steps, topology, lingerMs) => {
    const plan = planOf(
      steps.map((over) => step(over)),
      topology,
      { lingerMs },
    );
    expect(plan.steps[expected === 50 ? 0 : steps.length - 1]?.drainMs).toBe(expected);
  });
  it('gathers claims of the step and of its entries, those with their number', () => {
    const claim = { observer: 'c', from: null, to: null, carrier: null, seen: 'none' } as const;
    const talk = {
      kind: 'http',
      from: 'a',
      to: 'b',
      requests: 1,
      bytes: 1,
      maySee: null,
      mustSee: null,
      seen: [claim],
    } as const;
    expect(
      first({
        probes: [probe, { ...probe, seen: [claim] }],
        traffic: [talk],
        expect: { ...step().expect, seen: [claim] },
      }).expect.seen.map(({ probe: entry }) => entry),
    ).toEqual([null, 1, 0]);
  });
  it('lets announce themselves those who are there', () => {
    const { steps } = planOf(
      [step({ learn: ['a', 'late', 'c'], stop: ['c'] }), step({ learn: ['a', 'late', 'c'], start: ['late', 'c'] })],
      { endpoints: [...endpoints, guest({ name: 'late', port: 'p9', macs: ['52:54:00:00:00:09'], started: false })] },
    );
    expect(steps.map(({ learn, present }) => [learn, present])).toEqual([
      [['a'], ['a', 'b', 'lan']],
      [
        ['a', 'late', 'c'],
        ['a', 'b', 'c', 'lan', 'late'],
      ],
    ]);
  });
  it('knows the members of a group that earlier steps added and did not take away', () => {
    const member = { group: '239.1.1.1', port: 'p2', vlan: null };
    const multicast = probing({ class: 'multicast', to: null, group: '239.1.1.1', carriers: ['ipv4-udp'] });
    const withIps = {
      endpoints: endpoints.map((endpoint, at) => ({
        ...endpoint,
        ips: [{ family: 4 as const, address: `10.0.0.${at + 1}`, prefix: 24 }],
      })),
    };
    const may = (...mdb: readonly Step['mdb'][]): readonly boolean[] =>
      planOf(
        mdb.map((changes) => step({ ...multicast, mdb: changes })),
        withIps,
      ).steps.map(({ flows }) => flows.some((flow) => flow.must.includes('c')));
    expect(
      may(
        { add: [], del: [] },
        { add: [member], del: [] },
        { add: [], del: [] },
        { add: [], del: [{ ...member, port: 'p1' }] },
        { add: [], del: [{ ...member, group: '239.9.9.9' }] },
        { add: [], del: [member] },
      ),
    ).toEqual([false, true, true, true, true, false]);
  });
});

describe('a plan of a topology', () => {
  it('gives each lab bridge a MAC of its own, the host’s where it is an endpoint', () => {
    const two = [...bridges, ...bridges.map((bridge) => ({ ...bridge, name: 'br1' }))];
    expect(planOf([], { bridges: two }).bridgeMacs).toEqual({ br0: '02:76:69:fe:00:00', br1: '02:76:69:fe:00:01' });
    const withHost = {
      bridges: two,
      endpoints: [...endpoints, { ...hostEnd, bridge: 'br1', macs: ['02:00:00:00:00:aa'] }],
    };
    expect(planOf([], withHost).bridgeMacs).toEqual({ br0: '02:76:69:fe:00:00', br1: '02:00:00:00:00:aa' });
    expect(
      planOf([], {
        bridges: Array.from({ length: 18 }, (_, at) => bridges.map((bridge) => ({ ...bridge, name: `b${at}` }))).flat(),
      }).bridgeMacs['b17'],
    ).toBe('02:76:69:fe:00:11');
  });
  it('gives the host the MAC of its bridge where the author gives none', () => {
    const macsOf = (
      macs: readonly string[],
      bridgeMacs?: Readonly<Record<string, string>>,
    ): readonly string[] | undefined =>
      planOf(
        [],
        { endpoints: [...endpoints, { ...hostEnd, macs }] },
        bridgeMacs === undefined ? {} : { bridgeMacs },
      ).endpoints.find(({ name }) => name === 'host')?.macs;
    expect([
      macsOf([]),
      macsOf(['02:00:00:00:00:aa']),
      macsOf([], { br0: '02:00:00:00:00:bb' }),
      macsOf([], {}),
    ]).toEqual([['02:76:69:fe:00:00'], ['02:00:00:00:00:aa'], ['02:00:00:00:00:bb'], []]);
    expect(planOf([], { endpoints: [guest({ macs: [] })] }).endpoints[0]?.macs).toEqual([]);
  });
  it('says what a host cannot hear only where somebody looked', () => {
    expect(planOf([])).not.toHaveProperty('unobservable');
    expect(planOf([], {}, { unobservable: [] }).unobservable).toEqual([]);
  });
  it('has an interface block for each observer of each step, in order', () => {
    const plan = planOf([step(), step({ name: 'two', probes: [] }), step({ name: 'three', stop: ['c'] })]);
    expect(evidenceInterfaces(plan).map(({ step: at, observer, name }) => `${at}/${observer} ${name}`)).toEqual([
      '0/0 p0',
      '0/1 p1',
      '0/2 p2',
      '0/3 p3',
      '0/4 br0',
      '2/0 p0',
      '2/1 p1',
      '2/2 p3',
      '2/3 br0',
    ]);
    expect(evidenceInterfaces(plan)[8]?.description).toBe('br0 (host) on br0, step 3: three');
    const [firstObserver] = plan.steps[0]?.observers ?? [];
    expect(firstObserver === undefined ? '' : describeObserver(firstObserver, 4, 'x')).toBe(
      'a (guest) on br0, step 5: x',
    );
  });
});

describe('observers', () => {
  const observers = (
    present: readonly Endpoint[],
    judged: readonly string[] | null = null,
    bridgeMacs: Readonly<Record<string, string>> = { br0: '02:76:69:fe:00:00' },
  ) => observersOf(present, bridges, bridgeMacs, judged);
  it('are every endpoint at its place and each bridge device that is none, which is not judged', () => {
    expect(observers([guest({}), behind])).toEqual([
      {
        name: 'a',
        bridge: 'br0',
        role: 'guest',
        judged: true,
        interface: 'p0',
        place: 'port',
        macs: ['52:54:00:00:00:01'],
      },
      {
        name: 'winxp',
        bridge: 'br0',
        role: 'guest',
        judged: true,
        interface: 'tap9',
        place: 'relay',
        macs: ['00:0c:29:00:00:01'],
      },
      {
        name: 'br0',
        interface: 'br0',
        bridge: 'br0',
        place: 'bridge',
        role: 'host',
        macs: ['02:76:69:fe:00:00'],
        judged: false,
      },
    ]);
  });
  it('are the host at the bridge device, once', () => {
    expect(observers([hostEnd])).toEqual([
      {
        name: 'host',
        bridge: 'br0',
        role: 'host',
        judged: true,
        interface: 'br0',
        place: 'bridge',
        macs: ['02:76:69:fe:00:00'],
      },
    ]);
    expect(observers([{ ...hostEnd, macs: ['02:00:00:00:00:aa'] }], null, {})[0]?.macs).toEqual(['02:00:00:00:00:aa']);
    expect(observers([{ ...hostEnd, bridge: 'br9' }]).map(({ name }) => name)).toEqual(['host', 'br0']);
    expect(observers([], null, {})).toEqual([expect.objectContaining({ name: 'br0', macs: [] })]);
  });
  it('are judged where nobody or the author names them', () => {
    expect(observers([guest({}), behind], ['winxp']).map(({ judged }) => judged)).toEqual([false, true, false]);
  });
  it('are none behind a device without an interface; a port without a name carries its endpoint’s', () => {
    expect(observers([{ ...behind, port: null }]).map(({ name }) => name)).toEqual(['br0']);
    expect(observers([guest({ port: null })])[0]).toMatchObject({ name: 'a', interface: 'a' });
  });
});
