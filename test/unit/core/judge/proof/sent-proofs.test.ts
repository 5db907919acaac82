import { describe, expect, it } from 'vitest';
import { SeenTokens } from '../../../../../src/core/judge/count/seen-tokens.js';
import { type StepTally } from '../../../../../src/core/judge/count/tally.js';
import type { DeliveryInput } from '../../../../../src/core/judge/proof/delivery.js';
import { missingProofs } from '../../../../../src/core/judge/proof/missing-proofs.js';
import { stepFacts } from '../../../../../src/core/judge/proof/step-facts.js';
import type { StepPlan } from '../../../../../src/core/model/plan.js';
import { hostState, perfectRun, scenario, step as stepOf } from '../../../../support/judge/perfect-run.js';
import { type Run, first, fullTally, missing } from '../../../../support/judge/proof-fixture.js';
import { there } from '../../../../support/there.js';

/** What a tally saw without the first so many tokens of each flow. */
const unseen = ({ sightings }: StepTally, fewer: number, { flows, observers }: StepPlan): SeenTokens => {
  const left = new SeenTokens(flows);
  for (const flow of flows)
    for (const { name } of observers)
      for (let sequence = fewer; sequence < flow.count; sequence += 1)
        if (sightings.hasToken(flow, sequence, name))
          left.addToken(flow, sequence, name, { frame: 1, high: 0, low: 1 });
  return left;
};
const uncounted = { before: null, after: null };
const withSeen = (
  fewer: number,
  of: Run = perfectRun(),
  states: DeliveryInput['states'] = uncounted,
): readonly string[] => {
  const step = there(of.plan.steps[0]);
  const tally = fullTally(of);
  return missingProofs({
    step,
    facts: {
      ...there(stepFacts(of.plan, of.timeline)[0]),
      stopped: Object.fromEntries(step.observers.map(({ name }) => [name, { received: 0, dropped: 0, delivered: 0 }])),
      written: {},
    },
    tally: { ...tally, sightings: unseen(tally, fewer, step) },
    endpoints: of.plan.endpoints,
    states,
  }).map(({ code, observer, text }) => `${code} ${observer ?? '-'}: ${text}`);
};

describe('what was sent', () => {
  const big = (count: number): Run =>
    perfectRun(scenario([stepOf({ probes: stepOf().probes.map((probe) => ({ ...probe, count })) })]));

  it('has to be all that was planned, and no more', () => {
    const accepted = (share: number): readonly string[] => {
      const run = perfectRun();
      return missing({
        run: {
          ...run,
          timeline: run.timeline.map((entry) => (entry.event === 'sent' ? { ...entry, accepted: share } : entry)),
        },
      });
    };
    expect(accepted(20)).toEqual([]);
    expect(accepted(19)).toEqual(['probes-not-sent a: 19 of 20 raw frames of known-unicast from a were sent']);
    expect(accepted(0)).toEqual(
      expect.arrayContaining(['probes-not-sent a: 0 of 20 raw frames of known-unicast from a were sent']),
    );
  });
  it('has to arrive whole where somebody must see it: one in two hundred may be a thief’s', () => {
    expect(withSeen(0, big(200))).toEqual([]);
    expect(withSeen(1, big(200))).toEqual(['delivery-short b: b got 199 of 200 raw frames of known-unicast from a']);
    expect(withSeen(1)).toEqual(['delivery-short b: b got 19 of 20 raw frames of known-unicast from a']);
  });
  it('may lack what the kernel says it dropped on the way, and no more; nor all of it', () => {
    const dropping = (devices: Readonly<Record<string, number>>, backlog: number) => ({
      before: { ...hostState(), drops: { devices: { p0: 5, p1: 7, p3: 0 }, backlog: 100 } },
      after: { ...hostState(), drops: { devices: { p0: 5, p1: 7, p3: 0, ...devices }, backlog: 100 + backlog } },
    });
    const short = (fewer: number, ...drops: Parameters<typeof dropping>): boolean =>
      withSeen(fewer, big(200), dropping(...drops)).length > 0;
    expect([short(1, {}, 0), short(1, { p1: 8 }, 0), short(2, { p1: 8 }, 0), short(2, { p0: 6, p1: 8 }, 0)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect([short(3, {}, 3), short(4, {}, 3), short(1, { p3: 9 }, 0), short(200, {}, 1000)]).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });
  it('need not arrive at who sends it itself', () => {
    expect(
      missing({ step: (step) => ({ ...step, flows: step.flows.map((flow) => ({ ...flow, must: ['a', 'b'] })) }) }),
    ).toEqual([]);
  });
  it('of many is told a hundred times, and then how many more', () => {
    const step = (of: StepPlan): StepPlan => ({
      ...of,
      flows: Array.from({ length: 103 }, (_, id) => ({
        ...there(of.flows.at(0)),
        id: 1000 + id,
        first: 5000 + id,
        count: 1,
      })),
    });
    const reported = missing({ step });
    for (const code of ['probes-not-sent', 'delivery-short']) {
      expect(reported.filter((text) => text.startsWith(code))).toHaveLength(101);
      expect(reported).toContain(`${code} -: and 3 more of this kind`);
    }
  });
});

describe('traffic', () => {
  const run = perfectRun(
    scenario([
      stepOf({
        probes: [],
        traffic: [
          { kind: 'http', from: 'a', to: 'lan', requests: 1, bytes: 10, maySee: null, mustSee: null, seen: [] },
        ],
      }),
    ]),
  );
  const count = (frames: number) => ({ frames, first });
  const reported = (
    sent: readonly [there: number, back: number],
    seen: readonly [there: number, back: number],
    ok: boolean | null = true,
  ): readonly string[] =>
    missing({
      run,
      facts: (facts) => ({ ...facts, trafficOk: new Map(ok === null ? [] : [[0, { ok, detail: 'refused' }]]) }),
      // Without flows there is no flow to hand over: the tally is prepared by the step.
      step: (step) => step,
    }).concat(trafficProofs(sent, seen));
  function trafficProofs(sent: readonly [number, number], seen: readonly [number, number]): readonly string[] {
    const step = there(run.plan.steps[0]);
    const tally = fullTally(run);
    if (sent[0] > 0) tally.trafficEntered.set('0/>', sent[0]);
    if (sent[1] > 0) tally.trafficEntered.set('0/<', sent[1]);
    if (seen[0] > 0) tally.traffic.set('0/>/lan', count(seen[0]));
    if (seen[1] > 0) tally.traffic.set('0/</a', count(seen[1]));
    const facts = there(stepFacts(run.plan, run.timeline)[0]);
    const even = {
      ...facts,
      trafficOk: new Map([[0, { ok: true, detail: '' }]]),
      stopped: Object.fromEntries(step.observers.map(({ name }) => [name, { received: 0, dropped: 0, delivered: 0 }])),
      written: {},
    };
    return missingProofs({ step, facts: even, tally, endpoints: run.plan.endpoints, states: uncounted }).map(
      ({ code, observer, text }) => `${code} ${observer ?? '-'}: ${text}`,
    );
  }
  const short = (name: string, seen: number, sent: number, source: string): string =>
    `delivery-short ${name}: ${name} got ${seen} of ${sent} frames of http from ${source}`;

  it('has to go both ways, by 99 %', () => {
    expect(trafficProofs([100, 1], [99, 1])).toEqual([]);
    expect(trafficProofs([100, 1], [98, 1])).toEqual([short('lan', 98, 100, 'a')]);
    expect(trafficProofs([100, 0], [100, 0])).toEqual([short('a', 0, 0, 'lan')]);
    expect(trafficProofs([0, 1], [5, 1])).toEqual([short('lan', 5, 0, 'a')]);
  });
  it('has to have worked', () => {
    expect(reported([1, 1], [1, 1], false)).toContain('traffic-failed -: http a to lan: refused');
    expect(reported([1, 1], [1, 1], null)).toContain('traffic-failed -: http a to lan: did not run');
    expect(reported([1, 1], [1, 1]).filter((text) => text.startsWith('traffic-failed'))).toEqual([]);
  });
  it('need not arrive at who need not see it', () => {
    const step = there(run.plan.steps[0]);
    const free = { ...step, traffic: step.traffic.map((traffic) => ({ ...traffic, must: [] })) };
    expect(
      missing({
        run,
        step: () => free,
        facts: (facts) => ({ ...facts, trafficOk: new Map([[0, { ok: true, detail: '' }]]) }),
      }),
    ).toEqual([]);
  });
});

describe('a step that listens', () => {
  const run = perfectRun(scenario([stepOf({ probes: [], listenMs: 1000 })]));
  const step = there(run.plan.steps[0]);
  const deaf = (
    crossed: readonly (readonly [from: string, to: string])[],
    of: StepPlan = step,
  ): readonly (string | null)[] => {
    const tally = fullTally(run);
    for (const [from, to] of crossed) tally.crossed.set(`${from}|${to}`, { from, to });
    return missingProofs({
      step: of,
      facts: {
        ...there(stepFacts(run.plan, run.timeline)[0]),
        stopped: Object.fromEntries(
          step.observers.map(({ name }) => [name, { received: 0, dropped: 0, delivered: 0 }]),
        ),
        written: {},
      },
      tally,
      endpoints: run.plan.endpoints,
      states: uncounted,
    })
      .filter(({ code }) => code === 'nothing-to-hear')
      .map(({ observer }) => observer);
  };
  it('proves something to who could have overheard two others', () => {
    expect(deaf([])).toEqual(['a', 'b', 'c', 'lan']);
    expect(deaf([['a', '52:54:00:00:00:02']])).toEqual(['a', 'b']);
    expect(
      deaf([
        ['a', '02:00:00:00:00:99'],
        ['c', '00:11:22:33:44:55'],
      ]),
    ).toEqual([]);
  });
  it('asks no bridge device, and nobody who is not judged', () => {
    expect(
      deaf([], {
        ...step,
        observers: step.observers.map((observer) => ({ ...observer, judged: observer.name !== 'b' })),
      }),
    ).toEqual(['a', 'c', 'lan']);
    expect(deaf([], { ...step, listenMs: null })).toEqual([]);
  });
});
