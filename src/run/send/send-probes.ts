import { setTimeout as sleep } from 'node:timers/promises';
import { flowOfToken } from '../../core/judge/recognise/classify.js';
import type { Flows, StepPlan } from '../../core/model/plan.js';
import { eventRounds } from '../../core/plan/event-rounds.js';
import { framesOfStep } from '../../core/plan/flows/shortcuts.js';
import { sampledFrames } from '../../core/plan/traced-sample.js';
import type { Capture } from '../../system/capture/client.js';
import type { Sender } from '../../system/inject/sender.js';
import { engineOf, sharedRingFrames } from '../capture-step.js';
import { checkStop, pause, type RunContext, report } from '../context.js';
import { createFeedback, lossFreeRate, paceText } from './pace.js';
import { type ProbeBatch, burstsOf, type Prepared, prepare, sendBatch, transmit } from './send-batch.js';

const maxInBurst = 1000;
/** Bounds the time of an interruption. */
const maxBurstMs = 250;
const maxInBatch = 8192;
const fewFlows = 64;
/** To learn the observers' rate would take longer. */
const fewFrames = 2000;

/** `first`: its cost is not known yet. */
interface BurstSizes {
  readonly first: number;
  readonly most: number;
  /** The sample was sent before. */
  readonly isSampled: boolean;
}

function positionOf(flows: Flows, frames: number): { readonly position: number; readonly sequence: number } {
  const head = flows.at(0);
  const token = (head?.first ?? 0) + frames;
  const flow = flowOfToken(flows, token);
  return flow === null
    ? { position: flows.length, sequence: 0 }
    : { position: flow.id - (head?.id ?? 0), sequence: token - flow.first };
}

/** Skips the sample. Tokens follow one another. Makes no object for a burst: a mesh has a million. */
function* batchesOf(
  flows: Flows,
  from: number,
  to: number,
  { first, most, isSampled }: BurstSizes,
  room: () => number,
): Generator<ProbeBatch> {
  let { position, sequence } = positionOf(flows, from);
  let remaining = to - from;
  let longest = Math.min(most, first);
  let start = { position, sequence };
  let [frames, fits] = [0, room()];
  for (; remaining > 0 && position < flows.length; position += 1, sequence = 0) {
    const skipped = isSampled ? Math.min(Math.max(0, sampledAt(flows, position) - sequence), remaining) : 0;
    sequence += skipped;
    remaining -= skipped;
    const frameCount = flows.framesEach ?? flows.at(position)?.count ?? 0;
    while (sequence < frameCount && remaining > 0) {
      const count = Math.min(longest, frameCount - sequence, remaining);
      if (frames > 0 && frames + count > fits) {
        yield { flows, ...start, count: frames, most };
        [frames, fits] = [0, room()];
      }
      if (frames === 0) start = { position, sequence };
      longest = most;
      frames += count;
      sequence += count;
      remaining -= count;
    }
  }
  if (frames > 0) yield { flows, ...start, count: frames, most };
}

function sampledAt(flows: Flows, position: number): number {
  const flow = flows.at(position);
  return flow === undefined ? 0 : sampledFrames(flow);
}

function* sampleOf(flows: Flows, most: number): Generator<ProbeBatch> {
  for (let position = 0; position < flows.length; position += 1) {
    const frames = sampledAt(flows, position);
    for (let sequence = 0; sequence < frames; sequence += most)
      yield { flows, position, sequence, count: Math.min(most, frames - sequence), most };
  }
}

/** Throws as `pause` does. */
function evenly(signal: AbortSignal): (lastsMs: number) => Promise<void> {
  let dueMs = 0;
  return async (lastsMs) => {
    const aheadMs = dueMs - performance.now();
    if (aheadMs > 0) await pause(Math.ceil(aheadMs), signal);
    dueMs = Math.max(performance.now(), dueMs) + lastsMs;
  };
}

function rateOfBatch({ batch }: Prepared, { rates }: StepPlan, rate: number): number {
  return rates === undefined ? rate : Math.min(...burstsOf(batch).map(({ flow }) => rates[flow.probe] ?? rate));
}

/** The sample goes first: a trace sees it alone. */
type Part = 'sample' | 0 | 1;

/** Sends probes one part after the other. */
export interface ProbeSender {
  send(part: Part): Promise<void>;
}

function inRounds(sendFrom: (round: number) => Promise<number>): ProbeSender {
  let next = 0;
  return {
    send: async () => {
      next = await sendFrom(next);
    },
  };
}

/**
 * Sends a step's probes in two parts: `part` 0 is the first half over all flows, 1 the second. A burst cut short ends
 * its flow's part, not the step. Builds a batch while one is sent. Events belong to the first part. `isSampled`: a
 * sample goes first, in a step without events.
 */
export function probeSender(
  context: RunContext,
  step: StepPlan,
  sender: Sender,
  capture: Capture,
  { eventsOver, isSampled }: { readonly eventsOver: () => boolean; readonly isSampled: boolean },
): ProbeSender {
  if (step.during.length > 0) return inRounds((from) => sendRounds(context, step, sender, { from, over: eventsOver }));
  return new BatchedProbes(context, step, sender, capture, isSampled);
}

class BatchedProbes implements ProbeSender {
  private readonly total: number;
  private readonly feedback: ReturnType<typeof createFeedback> | null;
  /** Frames a second. null = as fast as possible. */
  private readonly rate: number | null;
  private readonly startOf: ((lastsMs: number) => Promise<void>) | null;
  private readonly maxConcurrent: number;
  private readonly isTogether: boolean;
  private done = 0;
  private sending: Promise<boolean> = Promise.resolve(true);
  /** Without a rate both are at the helper. */
  private before: Promise<boolean> = this.sending;

  constructor(
    private readonly context: RunContext,
    private readonly step: StepPlan,
    private readonly sender: Sender,
    capture: Capture,
    private readonly isSampled: boolean,
  ) {
    this.total = framesOfStep(step);
    const isPaced =
      context.plan.provider === 'lab' &&
      step.rate === null &&
      this.total > fewFrames &&
      engineOf(context, step) === 'ring';
    this.feedback = isPaced
      ? createFeedback(capture, {
          capacity: sharedRingFrames,
          observers: step.observers.length,
          handedOver: async () => void (await Promise.all([this.before, this.sending])),
        })
      : null;
    this.rate = this.feedback === null ? (step.rate ?? lossFreeRate(context)) : null;
    // What is asked for holds over all batches, also where controls come between two of them, and an interruption ends
    // the wait for the next: a helper keeps a rate, but only of what it is sending.
    this.startOf = step.rate === null ? null : evenly(context.signal);
    this.maxConcurrent = step.rate === null ? maxInBatch : Math.max(1, Math.floor((step.rate * maxBurstMs) / 1000));
    this.isTogether = !isSampled && (this.feedback !== null || step.flows.length > fewFlows);
  }

  async send(part: Part): Promise<void> {
    const { context, step, total } = this;
    const began = performance.now();
    const before = this.done;
    this.feedback?.interrupted();
    try {
      for await (const batch of this.batches(part)) {
        checkStop(context.signal);
        const prepared = prepare(context, batch);
        if (!(await (this.feedback === null ? this.sending : this.before))) return;
        if (prepared === null) continue;
        await this.transmit(prepared);
        this.done += prepared.planned;
        report(context, step, 'probing', paceText(this.done, before, total, performance.now() - began));
      }
    } finally {
      await Promise.all([this.before, this.sending]);
    }
  }

  private async *batches(part: Part): AsyncGenerator<ProbeBatch> {
    const { step, total, isSampled } = this;
    const most = Math.min(maxInBurst, this.maxConcurrent);
    if (part === 'sample') return yield* sampleOf(step.flows, most);
    const half = Math.ceil(total / 2);
    const [from, to] = part === 0 ? [0, half] : [half, total];
    let room = from < to ? await this.room() : 0;
    const sizes = { first: room, most, isSampled };
    for (const batch of batchesOf(step.flows, from, to, sizes, () => (this.isTogether ? room : 1))) {
      yield batch;
      room = await this.room();
    }
  }

  private async room(): Promise<number> {
    return this.feedback === null ? this.maxConcurrent : Math.min(this.maxConcurrent, await this.feedback.room());
  }

  private async transmit(prepared: Prepared): Promise<void> {
    const rate = this.rate === null ? null : rateOfBatch(prepared, this.step, this.rate);
    await this.startOf?.(rate === null ? 0 : (prepared.planned * 1000) / rate);
    this.before = this.sending;
    this.sending = transmit(this.context, this.step, this.sender, prepared, rate);
    this.sending.catch(() => undefined); // reported where it is awaited
    this.feedback?.sent(prepared.planned);
  }
}

/**
 * A frame of each flow in turn, evenly over time, so that any effect of an event shows. The first part goes on
 * until events are over, but for the last round.
 */
async function sendRounds(
  context: RunContext,
  step: StepPlan,
  sender: Sender,
  { from, over }: { readonly from: number; readonly over: () => boolean },
): Promise<number> {
  const { rounds, split, rate } = eventRounds(step);
  const paused = (sequence: number): boolean => sequence >= split && (over() || sequence >= rounds - 1);
  const total = framesOfStep(step);
  const began = performance.now();
  const firstId = step.flows.at(0)?.id ?? 0;
  let done = 0;
  let sequence = from;
  for (; sequence < rounds && (from > 0 || !paused(sequence)); sequence += 1) {
    checkStop(context.signal);
    const flows = step.flows.filter(({ count }) => sequence < count);
    for (const { id } of flows) {
      const batch = { flows: step.flows, position: id - firstId, sequence, count: 1, most: 1 };
      if (!(await sendBatch(context, step, sender, batch, null))) return rounds; // nobody sends
    }
    done += flows.length;
    report(context, step, 'probing', paceText(done, 0, total, performance.now() - began));
    const ahead = began + (done / rate) * 1000 - performance.now();
    if (ahead > 1) await sleep(ahead);
  }
  return sequence;
}
