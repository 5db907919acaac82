import type { Flows, StepPlan } from '../model/plan.js';
import type { During } from '../model/scenario.js';
import { framesOfStep } from './flows/shortcuts.js';

/** Probes go on for this long after the last event of a step, half of it before the controls in between are sent. */
const afterEventMs = 1000;
/** What reading the state before and after an event may take; a busy machine takes what is left of the rounds. */
const snapshotsMs = 500;
const leastRate = 1;

/** Frames a second with which the probes of a step with events last until after the last one. */
export function rateForEvents(flows: Flows, during: readonly During[]): number {
  return Math.max(leastRate, Math.floor((framesOfStep({ flows }) * 1000) / (eventsMs(during) + afterEventMs)));
}

/**
 * How the probes of a step with events are sent: one of each flow a round. `split`: the round before which the controls
 * in between are sent, during which no probe is under way; it comes after the last event, or later where that takes
 * longer.
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

/** From the first probe until all events have begun, their work has settled and the state was read around them. */
function eventsMs(during: readonly During[]): number {
  return Math.max(0, ...during.map(({ atMs, settleMs }) => atMs + settleMs)) + snapshotsMs * during.length;
}
