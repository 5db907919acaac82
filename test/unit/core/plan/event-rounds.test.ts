import { describe, expect, it } from 'vitest';
import type { Flow, StepPlan } from '../../../../src/core/model/plan.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { rateForEvents, eventRounds } from '../../../../src/core/plan/event-rounds.js';
import { loadScenario } from '../../../../src/core/scenario/load-scenario.js';
import { flow, step } from '../../../support/judge/row-fixture.js';

function planned(probe: string, at: string): StepPlan {
  const text = `version: 1
name: t
topology:
  provider: lab
  bridges: { br0: {} }
  endpoints: { a: { bridge: br0, port: p0 }, b: { bridge: br0, port: p1 }, c: { bridge: br0, port: p2 } }
steps:
  - { name: s, probe: { class: known-unicast, from: a, to: b, carriers: [raw], ${probe} }, during: [ { at: ${at}, run: ["nft flush ruleset"] } ], expect: private }
`;
  const [step] = makePlan(loadScenario('t.yml', new TextEncoder().encode(text)), { runTag: 1, keySha256: '00' }).steps;
  if (step === undefined) throw new Error('no step');
  return step;
}

/** Flows of so many frames each, whose tokens number through, as a plan's do. */
function flowsOf(counts: readonly number[]): readonly Flow[] {
  let next = 0;
  return counts.map((count, id) => {
    const first = next;
    next += count;
    return { ...flow, id, count, first };
  });
}

describe('probes of a step with events', () => {
  it('last until a second after the last event and the snapshots around it, and pause for the controls in between half a second before that', () => {
    expect(eventRounds(planned('count: 350', '2s'))).toEqual({ rounds: 350, rate: 100, split: 300 });
    expect(eventRounds(planned('count: 350, both_ways: true', '2s'))).toEqual({ rounds: 350, rate: 200, split: 300 });
  });
  it('last as long as the work of an event may go on', () =>
    expect(eventRounds(planned('count: 450', '2s, settle: 1s'))).toEqual({ rounds: 450, rate: 100, split: 400 }));
  it('keep the rate that the author wrote', () =>
    expect(eventRounds(planned('count: 300, rate: 50', '2s'))).toEqual({ rounds: 300, rate: 50, split: 150 }));
  it.each([
    ['count: 1', '0'],
    ['count: 2', '2s'],
    ['count: 3, rate: 1000', '60s'],
  ])('always have a part before and one after (%s, at %s), as far as there are two', (probe, at) => {
    const { rounds, split } = eventRounds(planned(probe, at));
    expect(split).toBeGreaterThanOrEqual(1);
    expect(split).toBeLessThanOrEqual(Math.max(1, rounds - 1));
  });

  it('go at a whole rate, once a second at least', () => {
    const rate = (counts: readonly number[], ...atMs: readonly number[]): number =>
      rateForEvents(
        flowsOf(counts),
        atMs.map((at) => ({ atMs: at, run: [], settleMs: 0 })),
      );
    expect([
      rate([12, 6], 2000),
      rate([12], 500, 100, 3000, 2000),
      rate([8], 2000),
      rate([1], 2000),
      rate([7]),
    ]).toEqual([5, 2, 2, 1, 7]);
  });
  it('go round as often as the longest flow has frames, and pause before the round that comes half a second after the last event and the snapshots around it', () => {
    const rounds = (counts: readonly number[], rate: number | null, ...atMs: readonly number[]) =>
      eventRounds({
        ...step,
        rate,
        flows: flowsOf(counts),
        during: atMs.map((at) => ({ atMs: at, run: [], settleMs: 0 })),
      });
    expect(rounds([20, 40, 10], null, 1000, 3000)).toEqual({ rounds: 40, rate: 14, split: 36 });
    expect(rounds([20, 40], 20, 500, 100)).toEqual({ rounds: 40, rate: 20, split: 27 });
    expect(rounds([4], 1000, 60_000)).toEqual({ rounds: 4, rate: 1000, split: 3 });
    expect(rounds([100], 1)).toEqual({ rounds: 100, rate: 1, split: 1 });
  });
});
