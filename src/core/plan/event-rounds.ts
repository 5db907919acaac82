import type { Flows, StepPlan } from '../model/plan.js';
import type { During } from '../model/scenario.js';
import { framesOfStep } from './flows/shortcuts.js';

/** Probes continue this long after a step's last event, half of it before the controls in between. */
const afterEventMs = 1000;
/** Reading the state around an event; a busy machine takes what is left of the rounds. */
const snapshotsMs = 500;
const leastRate = 1;

/** Frames a second by which a step's probes outlast its last event. */
export function rateForEvents(flows: Flows, during: readonly During[]): number {
  return Math.max(leastRate, Math.floor((framesOfStep({ flows }) * 1000) / (eventsMs(during) + afterEventMs)));
}

/**
 * A step's rounds of probes, one of each flow, with events. `split`: the round after the controls in between, with no
 * probe under way, after the last event or later.
 */
export function eventRounds(step: StepPlan): {
  readonly rounds: number;
  readonly split: number;
  readonly rate: number;
} {
  const rounds = step.flows.reduce((most, { count }) => Math.max(most, count), 0);
  const rate = step.rate ?? rateForEvents(step.flows, step.during);
  const lastsMs = (framesOfStep(step) / rate) * 1000;
  const share = (eventsMs(step.during) + afterEventMs / 2) / lastsMs;
  return { rounds, split: Math.max(1, Math.min(rounds - 1, Math.ceil(rounds * share))), rate };
}

/** Until all events have begun and settled, with the state read around them. */
function eventsMs(during: readonly During[]): number {
  return Math.max(0, ...during.map(({ atMs, settleMs }) => atMs + settleMs)) + snapshotsMs * during.length;
}
