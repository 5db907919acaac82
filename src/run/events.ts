import type { StepPlan } from '../core/model/plan.js';
import type { During } from '../core/model/scenario.js';
import { assertKnown } from '../core/model/verify-error.js';
import { type Clock, machineClock } from '../system/kernel/clock.js';
import type { RunContext } from './context.js';

/** Reads the state next to an event: `before` it begins, or `after` its work is over. */
export type ReadAround = (when: 'before' | 'after') => Promise<void>;

/** The events of a step under way. */
export interface Events {
  /**
   * Resolves when all have ended and the state after them was read; how each ended stands in the timeline. Rejects
   * where the state could not be read.
   */
  readonly ended: Promise<void>;
  /** True if `ended` has settled. */
  over(): boolean;
  /** Those that have not begun do not begin. Resolves when no snapshot is under way any more. */
  stop(): Promise<void>;
}

export interface EventOptions {
  readonly readAround: ReadAround;
  /** How long before its time the snapshot before an event begins: as long as one took. */
  readonly leadMs: number;
  readonly clock?: Clock;
}

/**
 * Lets the events of `during` happen, each at its time from now on, one beside the other where they take longer than
 * the next waits. Where one begins late, as on a slow machine, those after it do too: what lies between a flush and a
 * load is as long as it was written. Whenever one begins and none is at work, and whenever the last at work is over,
 * the state is read, so that what changed between events is nobody's whom the step knows.
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
  /** Snapshots follow one another, and no event begins or ends meanwhile. */
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

/** False = it was stopped before. */
async function isOver(sleep: Promise<void>): Promise<boolean> {
  return sleep.then(
    () => true,
    () => false,
  );
}

/** Why an event's commands, one after the other, did not all work; null = they did. */
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
