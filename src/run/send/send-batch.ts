import type { Flow, StepPlan } from '../../core/model/plan.js';
import { frameSizeOf } from '../../core/plan/flows/flow-of-table.js';
import { stampToken } from '../../core/probe/frames/template.js';
import { templateSeries } from '../../core/probe/frames/template-series.js';
import { tokenLength, tokensFor } from '../../core/wire/token.js';
import type { Sender, SocketRoute } from '../../system/inject/sender.js';
import type { RunContext } from '../context.js';
import { senderSocket } from './sockets.js';

/** Consecutive frames of one flow. */
export interface Burst {
  readonly flow: Flow;
  readonly sequence: number;
  readonly count: number;
}

function framesOf(
  context: RunContext,
  batch: readonly Burst[],
  first: number,
  count: number,
  size: number,
): Uint8Array {
  const tokens = tokensFor(context.key, context.plan.runTag, first, count);
  const frames = new Uint8Array(count * size);
  const templateOf = templateSeries();
  let at = 0;
  for (const burst of batch) {
    const template = templateOf(burst.flow.frame);
    for (let i = 0; i < burst.count; i += 1, at += 1) stampToken(template, frames, at * size, tokens, at * tokenLength);
  }
  return frames;
}

/**
 * Where a batch leaves: bursts of one sender and length in a row are one route, so that the kernel takes many frames at
 * once. `size`: the longest of them.
 */
function routesOf(batch: readonly Burst[], size: number): readonly SocketRoute[] {
  const routes: { readonly socket: string; count: number; readonly size?: number }[] = [];
  let sender = '';
  let length = 0;
  for (const { flow, count } of batch) {
    const last = routes[routes.length - 1];
    const frameSize = frameSizeOf(flow);
    if (last !== undefined && flow.sender === sender && frameSize === length) last.count += count;
    else routes.push({ socket: senderSocket(flow.sender), count, ...(frameSize === size ? {} : { size: frameSize }) });
    ({ sender } = flow);
    length = frameSize;
  }
  return routes;
}

/** A batch with its frames built, each with `size` bytes of room: as many as the longest has. */
export interface Prepared {
  readonly batch: readonly Burst[];
  readonly first: number;
  readonly planned: number;
  readonly size: number;
  readonly frames: Uint8Array;
}

/** Builds the frames of a batch; null = it is empty. */
export function prepare(context: RunContext, batch: readonly Burst[]): Prepared | null {
  const [head] = batch;
  if (head === undefined) return null;
  const first = head.flow.first + head.sequence;
  const planned = batch.reduce((sum, burst) => sum + burst.count, 0);
  const size = batch.reduce((longest, { flow }) => Math.max(longest, frameSizeOf(flow)), 0);
  return { batch, first, planned, size, frames: framesOf(context, batch, first, planned, size) };
}

/** Nobody is there any more who could send: what is left of the step's probes is given up. */
const goneErrors: readonly (string | null)[] = ['helper-died', 'helper-silent', 'host-lost'];

/**
 * Sends a batch as it was built, and says in the timeline what the kernel took. Gives whether its sender is
 * still there.
 */
export async function transmit(
  context: RunContext,
  step: StepPlan,
  sender: Sender,
  prepared: Prepared,
  rate: number | null,
): Promise<boolean> {
  const { batch, first, planned, size, frames } = prepared;
  const { accepted, error } = await sender.sendRouted(routesOf(batch, size), frames, size, rate);
  context.timeline.log(step.index, { event: 'sent', flow: batch[0]?.flow.id ?? 0, first, planned, accepted });
  if (accepted === planned) return true;
  if (goneErrors.includes(error)) return false;
  let sum = 0;
  const next = batch.findIndex((burst) => {
    sum += burst.count;
    return sum > accepted;
  });
  return sendBatch(context, step, sender, batch.slice(next + 1), rate);
}

/**
 * Sends a batch; where an interface refuses, what was left for its flow is given up and the flows after it are sent.
 * Gives whether there still is something that sends.
 */
export async function sendBatch(
  context: RunContext,
  step: StepPlan,
  sender: Sender,
  batch: readonly Burst[],
  rate: number | null,
): Promise<boolean> {
  const prepared = prepare(context, batch);
  return prepared === null || transmit(context, step, sender, prepared, rate);
}
