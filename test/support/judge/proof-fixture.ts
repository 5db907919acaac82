import { createTallies, type StepTally } from '../../../src/core/judge/count/tally.js';
import { missingProofs } from '../../../src/core/judge/proof/missing-proofs.js';
import { type StepFacts, stepFacts } from '../../../src/core/judge/proof/step-facts.js';
import type { Flow, Plan, StepPlan } from '../../../src/core/model/plan.js';
import type { Endpoint } from '../../../src/core/model/scenario.js';
import type { StepStates } from '../../../src/core/model/state.js';
import type { Counters, TimelineEntry } from '../../../src/core/model/timeline.js';
import { there } from '../there.js';
import { perfectRun } from './perfect-run.js';

export interface Run {
  plan: Plan;
  timeline: readonly TimelineEntry[];
}

export const first = { frame: 1, timeNs: 1n };

/** A tally in which everything was seen that has to be. */
export function fullTally({ plan }: Run): StepTally {
  const tally = there(createTallies(plan, true).steps[0]);
  const step = there(plan.steps[0]);
  for (const { index } of step.controls) tally.controls.add(index);
  for (const flow of step.flows) {
    for (let sequence = 0; sequence < flow.count; sequence += 1) {
      tally.entries.add(flow, sequence, 'port');
      for (const name of flow.must)
        tally.sightings.addToken(flow, sequence, name, { frame: first.frame, high: 0, low: 1 });
    }
  }
  return tally;
}

/** What is missing, as `code observer: text`, in a run that was changed. */
export function missing(
  change: {
    readonly facts?: Partial<StepFacts> | ((facts: StepFacts) => Partial<StepFacts>);
    /** Changes the tally, or gives other parts of it. */
    readonly tally?: (tally: StepTally, flow: Flow | undefined) => Partial<StepTally> | void;
    readonly step?: (step: StepPlan) => StepPlan;
    readonly run?: Run;
    readonly endpoints?: readonly Endpoint[];
    readonly states?: StepStates;
  } = {},
): readonly string[] {
  const run = change.run ?? perfectRun();
  const step = there(run.plan.steps[0]);
  const tally = fullTally(run);
  const facts = there(stepFacts(run.plan, run.timeline)[0]);
  const names = step.observers.map(({ name }) => name);
  const even = Object.fromEntries(names.map((name) => [name, 0]));
  const stopped: Record<string, Counters> = Object.fromEntries(
    names.map((name) => [name, { received: 0, dropped: 0, delivered: 0 }]),
  );
  const whole = { ...facts, stopped, written: even };
  const others = change.tally?.(tally, step.flows.at(0)) ?? {};
  return missingProofs({
    step: change.step?.(step) ?? step,
    facts: { ...whole, ...(typeof change.facts === 'function' ? change.facts(whole) : change.facts) },
    tally: { ...tally, ...others },
    states: change.states ?? { before: null, after: null },
    endpoints: change.endpoints ?? run.plan.endpoints,
  }).map(({ code, observer, text }) => `${code} ${observer ?? '-'}: ${text}`);
}
