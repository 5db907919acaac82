import type { Flow, StepPlan } from '../../model/plan.js';
import type { LeakWindow, StepEvent } from '../../model/result.js';
import type { StepTally } from '../count/tally.js';
import { reason, type Reason } from '../../model/reasons.js';
import type { Moment, StepFacts } from './step-facts.js';

const maxWindows = 100;

/** In tenths: a capture by another process is no more precise. */
function msSince(start: Moment | null, ns: bigint): number {
  return start === null ? 0 : Math.round(Number(ns - start.ns) / 100_000) / 10;
}

/** Times of a flow's probes, joined if consecutive in sending order. Absent without events. */
export function windowsOf(
  flow: Flow,
  observer: string,
  step: StepPlan,
  facts: StepFacts,
  tally: StepTally,
): { readonly windows?: readonly LeakWindow[] } {
  if (step.during.length === 0) return {};
  const moments = [...(tally.moments.get(`${flow.id}|${observer}`) ?? [])].sort((a, b) => a.sequence - b.sequence);
  const runs: { from: bigint; to: bigint; frames: number; last: number }[] = [];
  for (const { sequence, timeNs } of moments) {
    const run = runs.at(-1);
    if (run?.last === sequence - 1) Object.assign(run, { to: timeNs, frames: run.frames + 1, last: sequence });
    else runs.push({ from: timeNs, to: timeNs, frames: 1, last: sequence });
  }
  return {
    windows: runs.slice(0, maxWindows).map(({ from, to, frames }) => ({
      fromMs: msSince(facts.probingFrom, from),
      toMs: msSince(facts.probingFrom, to),
      frames,
    })),
  };
}

/** Events during probing. */
export function eventsOf(step: StepPlan, facts: StepFacts): { readonly events?: readonly StepEvent[] } {
  if (step.during.length === 0) return {};
  return {
    events: step.during.flatMap(({ run }, index) => {
      const event = facts.events.get(index);
      return event === undefined
        ? []
        : [
            {
              commands: run,
              fromMs: msSince(facts.probingFrom, event.from.ns),
              toMs: event.to === null ? null : msSince(facts.probingFrom, event.to.ns),
            },
          ];
    }),
  };
}

/**
 * Events that show nothing: each must begin after the first probe, succeed, and settle before the controls in between,
 * which probes follow.
 */
export function eventReasons(step: StepPlan, facts: StepFacts): readonly Reason[] {
  return step.during.flatMap(({ atMs, settleMs }, index) => {
    const event = facts.events.get(index);
    const name = `event ${index + 1} at ${atMs} ms`;
    if (event === undefined) return [reason('event-missed', null, `${name} did not happen`)];
    if (event.to === null || !event.ok) return [reason('event-failed', null, `${name}: ${event.detail}`)];
    const meanwhile =
      facts.probingFrom !== null &&
      facts.betweenFrom !== null &&
      facts.probingFrom.monoMs <= event.from.monoMs &&
      event.to.monoMs + settleMs <= facts.betweenFrom.monoMs;
    return meanwhile
      ? []
      : [reason('event-missed', null, `${name} was not over when the probes paused for the controls in between`)];
  });
}
