import type { Control, Phase, StepPlan } from '../../core/model/plan.js';
import { buildFrame } from '../../core/probe/frames/frame.js';
import { tokenLength, tokensFor } from '../../core/wire/token.js';
import type { Sender } from '../../system/inject/sender.js';
import type { RunContext } from '../context.js';
import { lossFreeRate } from './pace.js';
import { controlSocket } from './sockets.js';
import { groupBy } from '../../core/text/collections.js';

/** Beyond this, they leave together regardless of sockets. */
const fewControls = 256;

function batches(controls: readonly Control[]): readonly (readonly Control[])[] {
  const grouped = groupBy(controls, (control) =>
    controls.length > fewControls ? String(control.frame.size) : `${controlSocket(control)} ${control.frame.size}`,
  );
  return [...grouped.values()];
}

/** Numbered through: their tokens are made together. */
function framesOf({ key, plan }: RunContext, controls: readonly Control[]): Buffer {
  const from = controls.reduce((least, { index }) => Math.min(least, index), Infinity);
  const last = controls.reduce((most, { index }) => Math.max(most, index), from);
  const tokens = tokensFor(key, plan.runTag, from, last - from + 1);
  return Buffer.concat(
    controls.map(({ frame, index }) => {
      const at = (index - from) * tokenLength;
      return buildFrame(frame, tokens.subarray(at, at + tokenLength));
    }),
  );
}

/** A refused control delays no other. */
async function sendBatch(context: RunContext, sender: Sender, batch: readonly Control[]): Promise<readonly number[]> {
  const [first] = batch;
  if (first === undefined) return [];
  const frames = framesOf(context, batch);
  const sameSocket = batch.every((control) => controlSocket(control) === controlSocket(first));
  const { accepted } = sameSocket
    ? await sender.send(controlSocket(first), frames, first.frame.size, lossFreeRate(context))
    : await sender.sendRouted(
        batch.map((control) => ({ socket: controlSocket(control), count: 1 })),
        frames,
        first.frame.size,
        lossFreeRate(context),
      );
  const taken = batch.slice(0, accepted).map((control) => control.index);
  return accepted === batch.length || sameSocket
    ? taken
    : [...taken, ...(await sendBatch(context, sender, batch.slice(accepted + 1)))];
}

/** Logs controls that the kernel took. */
export async function sendControls(context: RunContext, step: StepPlan, phase: Phase, sender: Sender): Promise<void> {
  const accepted: number[] = [];
  for (const batch of batches(step.controls.filter((control) => control.phase === phase)))
    accepted.push(...(await sendBatch(context, sender, batch)));
  context.timeline.log(step.index, { event: 'controls-sent', phase, accepted: accepted.sort((a, b) => a - b) });
}
