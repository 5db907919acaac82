import type { Sender } from '../inject/send-client.js';
import type { Control, Phase, StepPlan } from '../model/plan.js';
import { buildFrame } from '../probe/frame.js';
import { tokensFor } from '../wire/token.js';
import type { RunContext } from './context.js';
import { controlSocket } from './sockets.js';

/** Controls in a row that go out through the same socket with the same length. */
function batches(controls: readonly Control[]): readonly (readonly Control[])[] {
  const grouped = new Map<string, Control[]>();
  for (const control of controls) {
    const key = `${controlSocket(control)} ${control.frame.size}`;
    grouped.set(key, [...(grouped.get(key) ?? []), control]);
  }
  return [...grouped.values()];
}

/** Sends the controls of a phase and writes down which of them the kernel took. */
export async function sendControls(context: RunContext, step: StepPlan, phase: Phase, sender: Sender): Promise<void> {
  const accepted: number[] = [];
  for (const batch of batches(step.controls.filter((control) => control.phase === phase))) {
    const [first] = batch;
    if (first === undefined) continue;
    const frames = batch.map((control) => buildFrame(control.frame, tokensFor(context.key, context.plan.runTag, control.index, 1)));
    const outcome = await sender.send(controlSocket(first), Buffer.concat(frames), first.frame.size, null);
    accepted.push(...batch.slice(0, outcome.accepted).map((control) => control.index));
  }
  context.timeline.log(step.index, { event: 'controls-sent', phase, accepted: accepted.sort((a, b) => a - b) });
}
