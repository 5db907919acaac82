import { setTimeout as sleep } from 'node:timers/promises';
import type { StepPlan } from '../model/plan.js';
import { VerifyError } from '../model/verify-error.js';
import type { RunContext } from './context.js';

/** The events of a step under way. */
export interface Events {
  /** Resolves when all have ended. Never rejects: how each ended stands in the timeline. */
  readonly ended: Promise<void>;
  /** Those that have not begun do not begin. */
  stop(): void;
}

/** Lets the events of `during` happen, each at its time from now on, one beside the other where they take longer than the next waits. */
export function startEvents(context: RunContext, step: StepPlan): Events {
  const cancel = new AbortController();
  const signal = AbortSignal.any([cancel.signal, context.signal]);
  const happening = step.during.map(async ({ atMs, run }, during) => {
    const on = await sleep(atMs, true, { signal }).catch(() => false); // rejects when it is stopped
    if (!on) return;
    context.timeline.log(step.index, { event: 'event-started', during });
    let failure: string | null = null;
    for (const command of run) {
      failure ??= await context.fabric.happen(command).then(() => null, (error: unknown) => {
        if (!(error instanceof VerifyError)) throw error;
        return `${error.message} (${error.hint})`;
      });
    }
    context.timeline.log(step.index, { event: 'event-ended', during, ok: failure === null, detail: failure ?? '' });
  });
  return { ended: Promise.all(happening).then(() => undefined), stop: () => cancel.abort() };
}
