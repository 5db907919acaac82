import { describe, expect, it } from 'vitest';
import { type StepTally } from '../../../../../src/core/judge/count/tally.js';
import type { Flow, StepPlan } from '../../../../../src/core/model/plan.js';
import { perfectRun } from '../../../../support/judge/perfect-run.js';
import { missing } from '../../../../support/judge/proof-fixture.js';
import { there } from '../../../../support/there.js';

describe('the way in of a sender', () => {
  const run = perfectRun();
  const entries = there(run.plan.steps[0])
    .controls.filter(({ kind }) => kind === 'entry')
    .map(({ index }) => index);
  const without = (tally: StepTally, count: number): void => {
    for (const index of entries.slice(0, count)) tally.controls.delete(index);
  };
  const nobodyMust = (step: StepPlan): StepPlan => ({
    ...step,
    flows: step.flows.map((flow) => ({ ...flow, must: [] })),
  });

  const uncontrolled = (step: StepPlan): StepPlan => ({
    ...step,
    controls: step.controls.filter(({ kind }) => kind === 'ear'),
  });

  it('is proved by addressees where its controls are not seen', () =>
    expect(
      missing({
        tally: (tally) => without(tally, 1),
      }),
    ).toEqual([]));
  it('is proved by nothing where neither is', () => {
    expect(
      missing({
        step: nobodyMust,
        tally: (tally) => without(tally, 1),
      }),
    ).toEqual(['entry-unproved a: 2 of 3 entry controls from a were received on the bridge']);
    expect(
      missing({
        step: (step) => nobodyMust(uncontrolled(step)),
      }),
    ).toEqual(['entry-unproved a: no entry control is possible for a, and no addressee proves its probes']);
  });
  it('is not asked of who only undoes what others did', () => {
    expect(
      missing({
        step: (step) =>
          nobodyMust({
            ...uncontrolled(step),
            flows: step.flows.map((flow): Flow => ({ ...flow, purpose: 'restore' })),
          }),
      }),
    ).toEqual([]);
  });
  it('behind the bridge device is proved by every probe that left through it, not by addressees', () => {
    const endpoints = run.plan.endpoints.map((endpoint) =>
      endpoint.name === 'a' ? { ...endpoint, attach: 'host' as const, port: null } : endpoint,
    );
    const leaving = (frames: number): readonly string[] =>
      missing({
        endpoints,
        step: uncontrolled,
        tally: (tally, flow) => {
          for (let sequence = 0; sequence < frames; sequence += 1) tally.entries.add(there(flow), sequence, 'bridge');
        },
      });
    expect([leaving(20), leaving(19), leaving(0)]).toEqual([
      [],
      ['entry-unproved a: not every probe of a left through the bridge device'],
      ['entry-unproved a: not every probe of a left through the bridge device'],
    ]);
    expect(missing({ endpoints })).toEqual([]);
    expect(missing({ step: uncontrolled })).toEqual([]);
  });
  it('has to show on its own port, where directions are known', () => {
    const shown = (fewer: number) =>
      (['known', 'inferred'] as const).map((direction) =>
        missing({
          facts: ({ listening }) => ({
            listening: new Map([...listening].map(([name, engine]) => [name, { ...engine, direction }])),
          }),
          tally: ({ entries }) => ({ entries: { ...entries, count: (flow: Flow) => entries.count(flow) - fewer } }),
        }),
      );
    expect(shown(1)).toEqual([
      ['entry-unproved a: 19 of 20 raw frames of known-unicast from a showed on the port of a'],
      [],
    ]);
    expect(shown(0)).toEqual([[], []]);
    expect(shown(-1)).toEqual([[], []]);
  });
});
