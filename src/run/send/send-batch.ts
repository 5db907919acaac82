import type { Flow, Flows, StepPlan } from '../../core/model/plan.js';
import { frameSizeOf } from '../../core/plan/flows/flow-of-table.js';
import { stampToken } from '../../core/probe/frames/template.js';
import { templateSeries } from '../../core/probe/frames/template-series.js';
import { tokenLength, tokensFor } from '../../core/wire/token.js';
import type { Sender, SocketRoute } from '../../system/inject/sender.js';
import type { RunContext } from '../context.js';
import { senderSocket } from './sockets.js';

interface Burst {
  readonly flow: Flow;
  readonly sequence: number;
  readonly count: number;
}

/** `count` consecutive frames from frame `sequence` of the flow at `position`. `most`: of a burst. */
export interface ProbeBatch {
  readonly flows: Flows;
  readonly position: number;
  readonly sequence: number;
  readonly count: number;
  readonly most: number;
}

/** A mesh has a million: they are dropped once built, so that few outlive a young generation. */
export function burstsOf({ flows, position, sequence, count, most }: ProbeBatch): readonly Burst[] {
  const bursts: Burst[] = [];
  let remaining = count;
  let next = sequence;
  for (let at = position; remaining > 0; at += 1, next = 0) {
    const flow = flows.at(at);
    if (flow === undefined) break;
    while (next < flow.count && remaining > 0) {
      const frames = Math.min(most, flow.count - next, remaining);
      bursts.push({ flow, sequence: next, count: frames });
      next += frames;
      remaining -= frames;
    }
  }
  return bursts;
}

function framesOf(
  context: RunContext,
  bursts: readonly Burst[],
  first: number,
  count: number,
  size: number,
): Uint8Array {
  const tokens = tokensFor(context.key, context.plan.runTag, first, count);
  const frames = new Uint8Array(count * size);
  const templateOf = templateSeries();
  let at = 0;
  for (const burst of bursts) {
    const template = templateOf(burst.flow.frame);
    for (let i = 0; i < burst.count; i += 1, at += 1) stampToken(template, frames, at * size, tokens, at * tokenLength);
  }
  return frames;
}

/** One route for consecutive bursts of one sender and length: the kernel takes many frames at once. */
function routesOf(bursts: readonly Burst[], size: number): readonly SocketRoute[] {
  const routes: { readonly socket: string; count: number; readonly size?: number }[] = [];
  let sender = '';
  let length = 0;
  for (const { flow, count } of bursts) {
    const last = routes[routes.length - 1];
    const frameSize = frameSizeOf(flow);
    if (last !== undefined && flow.sender === sender && frameSize === length) last.count += count;
    else routes.push({ socket: senderSocket(flow.sender), count, ...(frameSize === size ? {} : { size: frameSize }) });
    ({ sender } = flow);
    length = frameSize;
  }
  return routes;
}

/** Built frames, each with `size` bytes of room for the longest. */
export interface Prepared {
  readonly batch: ProbeBatch;
  /** Its first flow's id and token. */
  readonly flow: number;
  readonly first: number;
  readonly planned: number;
  readonly size: number;
  readonly frames: Uint8Array;
  readonly routes: readonly SocketRoute[];
}

/** Builds the frames of a batch; null = it is empty. */
export function prepare(context: RunContext, batch: ProbeBatch): Prepared | null {
  const bursts = burstsOf(batch);
  const [head] = bursts;
  if (head === undefined) return null;
  const first = head.flow.first + head.sequence;
  const planned = bursts.reduce((sum, burst) => sum + burst.count, 0);
  const size = bursts.reduce((longest, { flow }) => Math.max(longest, frameSizeOf(flow)), 0);
  const frames = framesOf(context, bursts, first, planned, size);
  return { batch, flow: head.flow.id, first, planned, size, frames, routes: routesOf(bursts, size) };
}

function afterRefusal(batch: ProbeBatch, accepted: number): ProbeBatch {
  let sum = 0;
  for (const { flow, sequence, count } of burstsOf(batch)) {
    sum += count;
    if (sum <= accepted) continue;
    const position = flow.id - (batch.flows.at(0)?.id ?? 0);
    const next = sequence + count;
    const place = next < flow.count ? { position, sequence: next } : { position: position + 1, sequence: 0 };
    return { ...batch, ...place, count: batch.count - sum };
  }
  return batch;
}

/** No sender remains: gives up the step's other probes. */
const goneErrors: readonly (string | null)[] = ['helper-died', 'helper-silent', 'host-lost'];

/** Logs frames that the kernel took. False = the sender is gone. */
export async function transmit(
  context: RunContext,
  step: StepPlan,
  sender: Sender,
  prepared: Prepared,
  rate: number | null,
): Promise<boolean> {
  const { batch, flow, first, planned, size, frames, routes } = prepared;
  const { accepted, error } = await sender.sendRouted(routes, frames, size, rate);
  context.timeline.log(step.index, { event: 'sent', flow, first, planned, accepted });
  if (accepted === planned) return true;
  if (goneErrors.includes(error)) return false;
  return sendBatch(context, step, sender, afterRefusal(batch, accepted), rate);
}

/** On a refusal, gives up the flow's rest and sends the next flows. False = the sender is gone. */
export async function sendBatch(
  context: RunContext,
  step: StepPlan,
  sender: Sender,
  batch: ProbeBatch,
  rate: number | null,
): Promise<boolean> {
  const prepared = prepare(context, batch);
  return prepared === null || transmit(context, step, sender, prepared, rate);
}
