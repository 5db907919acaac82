import type { StepPlan } from '../core/model/plan.js';
import type { During } from '../core/model/scenario.js';
import { assertKnown } from '../core/model/verify-error.js';
import { type Clock, machineClock } from '../system/kernel/clock.js';
import type { RunContext } from './context.js';

/** Reads the state next to an event. */
export type ReadAround = (when: 'before' | 'after') => Promise<void>;

/** Events of a running step. */
export interface Events {
  /** Resolves after the last event and state. The timeline has their outcomes. Rejects if the state cannot be read. */
  readonly ended: Promise<void>;
  /** True if `ended` has settled. */
  over(): boolean;
  /** Begins no further event. Resolves when no snapshot is under way. */
  stop(): Promise<void>;
}

export interface EventOptions {
  readonly readAround: ReadAround;
  /** The snapshot before an event begins this early: as long as one took. */
  readonly leadMs: number;
  readonly clock?: Clock;
}

/**
 * Starts the events of `during`, side by side if they overlap. A late event delays all after it, so that gaps stay as
 * written. Reads the state whenever one begins alone or the last ends: other changes are not the step's.
 */
export function startEvents(
  context: RunContext,
  step: StepPlan,
  { readAround, leadMs, clock = machineClock }: EventOptions,
): Events {
  const cancel = new AbortController();
  const signal = AbortSignal.any([cancel.signal, context.signal]);
  let atWork = 0;
  let turn: Promise<void> = Promise.resolve();
  /** No event begins or ends during a snapshot. */
  const inTurn = (act: () => Promise<void>): Promise<void> => {
    const acted = turn.then(() => (signal.aborted ? undefined : act()));
    turn = acted.catch(() => undefined); // reported where it is awaited
    return acted;
  };
  const waited = (ms: number): Promise<boolean> => isOver(clock.sleep(ms, signal));
  const began = clock.now();
  let lateMs = 0;
  const waitedUntil = async (atMs: number): Promise<boolean> => {
    for (;;) {
      const leftMs = began + atMs + lateMs - clock.now();
      if (leftMs <= 0) return !signal.aborted;
      if (!(await waited(leftMs))) return false;
    }
  };

  const happen = async ({ atMs, run, settleMs }: During, during: number): Promise<void> => {
    if (!(await waitedUntil(atMs - leadMs))) return;
    await inTurn(async () => {
      if (atWork === 0) await readAround('before');
      atWork += 1;
      lateMs = Math.max(lateMs, clock.now() - began - atMs);
    });
    if (!(await waitedUntil(atMs))) return;
    context.timeline.log(step.index, { event: 'event-started', during });
    const failure = await failureOf(context, run);
    context.timeline.log(step.index, { event: 'event-ended', during, ok: failure === null, detail: failure ?? '' });
    if (!(await waited(settleMs))) return;
    await inTurn(async () => {
      atWork -= 1;
      if (atWork === 0) await readAround('after');
    });
  };

  let over = false;
  const ended = Promise.all(step.during.map(happen))
    .then(() => undefined)
    .finally(() => {
      over = true;
    });
  return {
    ended,
    over: () => over,
    stop: async () => {
      cancel.abort();
      await turn;
    },
  };
}

async function isOver(sleep: Promise<void>): Promise<boolean> {
  return sleep.then(
    () => true,
    () => false,
  );
}

async function failureOf(context: RunContext, run: During['run']): Promise<string | null> {
  let failure: string | null = null;
  for (const command of run) {
    failure ??= await context.fabric.happen(command).then(
      () => null,
      (error: unknown) => {
        assertKnown(error);
        return `${error.message} (${error.hint})`;
      },
    );
  }
  return failure;
}
