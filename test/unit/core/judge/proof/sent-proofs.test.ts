import { describe, expect, it } from 'vitest';
import { SeenTokens } from '../../../../../src/core/judge/count/seen-tokens.js';
import { type StepTally } from '../../../../../src/core/judge/count/tally.js';
import type { DeliveryInput } from '../../../../../src/core/judge/proof/delivery.js';
import { missingProofs } from '../../../../../src/core/judge/proof/missing-proofs.js';
import { stepFacts } from '../../../../../src/core/judge/proof/step-facts.js';
import type { StepPlan } from '../../../../../src/core/model/plan.js';
import { hostState, perfectRun, scenario, step as stepOf } from '../../../../support/judge/perfect-run.js';
import { changedRun, listening, probing, records } from '../../../../support/judge/judged.js';
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
  const big = (count: number): Run => perfectRun(probing({ count }));

  it('has to be all that was planned, and no more', () => {
    const accepted = (share: number): readonly string[] => {
      return missing({
        run: changedRun(
          undefined,
          records('sent', () => ({ accepted: share })),
        ),
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
  type BothWays = readonly [there: number, back: number];
  const trafficProofs = (sent: BothWays, seen: BothWays, ok: boolean | null = true): readonly string[] =>
    missing({
      run,
      facts: { trafficOk: new Map(ok === null ? [] : [[0, { ok, detail: 'refused' }]]) },
      tally: ({ trafficEntered, traffic }) => {
        if (sent[0] > 0) trafficEntered.set('0/>', sent[0]);
        if (sent[1] > 0) trafficEntered.set('0/<', sent[1]);
        if (seen[0] > 0) traffic.set('0/>/lan', count(seen[0]));
        if (seen[1] > 0) traffic.set('0/</a', count(seen[1]));
      },
    });
  const short = (name: string, seen: number, sent: number, source: string): string =>
    `delivery-short ${name}: ${name} got ${seen} of ${sent} frames of http from ${source}`;

  it('has to go both ways, by 99 %', () => {
    expect(trafficProofs([100, 1], [99, 1])).toEqual([]);
    expect(trafficProofs([100, 1], [98, 1])).toEqual([short('lan', 98, 100, 'a')]);
    expect(trafficProofs([100, 0], [100, 0])).toEqual([short('a', 0, 0, 'lan')]);
    expect(trafficProofs([0, 1], [5, 1])).toEqual([short('lan', 5, 0, 'a')]);
  });
  it('has to have worked', () => {
    expect(trafficProofs([1, 1], [1, 1], false)).toEqual(['traffic-failed -: http a to lan: refused']);
    expect(trafficProofs([1, 1], [1, 1], null)).toEqual(['traffic-failed -: http a to lan: did not run']);
    expect(trafficProofs([1, 1], [1, 1])).toEqual([]);
  });
  it('need not arrive at who need not see it', () => {
    const facts = { trafficOk: new Map([[0, { ok: true, detail: '' }]]) };
    const free = (step: StepPlan) => ({ ...step, traffic: step.traffic.map((traffic) => ({ ...traffic, must: [] })) });
    expect(missing({ run, step: free, facts })).toEqual([]);
  });
});

describe('a step that listens', () => {
  const run = perfectRun(listening());
  const deaf = (
    crossed: readonly (readonly [from: string, to: string])[],
    over: (step: StepPlan) => Partial<StepPlan> = () => ({}),
  ): readonly string[] =>
    missing({
      run,
      step: (step) => ({ ...step, ...over(step) }),
      tally: (tally) => {
        for (const [from, to] of crossed) tally.crossed.set(`${from}|${to}`, { from, to });
      },
    }).flatMap((text) => /^nothing-to-hear (\S+):/.exec(text)?.[1] ?? []);
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
    const unjudged = ({ observers }: StepPlan) => ({
      observers: observers.map((observer) => ({ ...observer, judged: observer.name !== 'b' })),
    });
    expect(deaf([], unjudged)).toEqual(['a', 'c', 'lan']);
    expect(deaf([], () => ({ listenMs: null }))).toEqual([]);
  });
});
