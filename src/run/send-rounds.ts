import { setTimeout as sleep } from 'node:timers/promises';
import type { StepPlan } from '../core/model/plan.js';
import { roundsOf } from '../core/plan/event-rounds.js';
import type { Sender } from '../inject/sender.js';
import { framesOfStep } from '../plan/frames-of-step.js';
import { checkStop, type RunContext, tell } from './context.js';
import { paceText } from './pace.js';
import { sendBatch } from './send/send-batch.js';

/**
 * Sends probes of a step with events from round `from` on: a frame of each flow in turn, evenly over time, so that
 * whatever an event does to any of them shows. `over`: whether the events are; the first part goes on until they are,
 * but for the last round. Resolves to the round that comes next.
 */
export async function sendRounds(
  context: RunContext,
  step: StepPlan,
  sender: Sender,
  { from, over }: { readonly from: number; readonly over: () => boolean },
): Promise<number> {
  const { rounds, split, rate } = roundsOf(step);
  const paused = (sequence: number): boolean => sequence >= split && (over() || sequence >= rounds - 1);
  const total = framesOfStep(step);
  const began = performance.now();
  let done = 0;
  let sequence = from;
  for (; sequence < rounds && (from > 0 || !paused(sequence)); sequence += 1) {
    checkStop(context.signal);
    const flows = step.flows.filter(({ count }) => sequence < count);
    for (const flow of flows) await sendBatch(context, step, sender, [{ flow, sequence, count: 1 }], null);
    done += flows.length;
    tell(context, step, 'probing', paceText(done, 0, total, performance.now() - began));
    const ahead = began + (done / rate) * 1000 - performance.now();
    if (ahead > 1) await sleep(ahead);
  }
  return sequence;
}
