import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { type BatchOutcome, batchSender, type Exit, maxInBatch } from './batch-sender.js';

/** The queue of a device is full for a moment: try again. All other errors are final. */
const passing = ['EAGAIN', 'ENOBUFS', 'EINTR'];
const maxRetryMs = 1000;
const burstMs = 2;
/**
 * Up to this many frames a second a sleep of a millisecond leaves a few frames to make up for; beyond, as in the lab,
 * it turns around instead.
 */
const maxBySleep = 10_000;
/** The event loop turns after this many frames: a heart has to beat, and there may be news. */
const maxInTurn = 512;

export interface SendRequest {
  /** Where the frames leave, in order; `fd` is a packet socket, interface 0 the one that it is bound to. */
  readonly routes: readonly {
    readonly fd: number;
    readonly interface: number;
    readonly count: number;
    /** Bytes of each frame that are sent; absent = all. */
    readonly size?: number;
    /** A frame that the driver drops (ENOBUFS) counts as sent. */
    readonly countsDropped?: true;
  }[];
  /** Frames of `length` bytes, one after the other. */
  readonly frames: Buffer;
  readonly length: number;
  /** null = as fast as the kernel takes them. */
  readonly perSecond: number | null;
  /**
   * Until then (performance.now()) the frames before these take their time: where a rate is kept over several requests.
   */
  readonly notBeforeMs?: number;
}

/**
 * How many frames the kernel took, why not the next one, and from when on (performance.now()) another is due at the
 * same rate.
 */
export interface SentFrames {
  readonly accepted: number;
  readonly error: string | null;
  readonly nextMs: number;
}

/**
 * Sends all frames in order, paced: at most 64 at once, and no more than 2 ms' worth made up for lost time. The event
 * loop turns between bursts, also where the kernel is slower than `perSecond` and every burst is late. At the rates of
 * a host it sleeps until the next is due, at least a millisecond, and makes up for that: to turn around until then
 * would take a processor whole, which guests are using.
 */
export async function sendFrames(request: SendRequest, goOn: () => boolean): Promise<SentFrames> {
  const { routes, frames, length, perSecond } = request;
  const count = length > 0 ? Math.floor(frames.length / length) : 0;
  const send = batchSender(frames, length);
  const way = new Way(routes);
  let accepted = 0;
  let dueMs = Math.max(performance.now(), request.notBeforeMs ?? 0);
  let refusedSinceMs: number | null = null;
  let sinceTurn = 0;
  const ended = (error: string | null): SentFrames => ({ accepted, error, nextMs: dueMs });
  while (accepted < count) {
    if (!goOn()) return ended('ECANCELED');
    const nowMs = performance.now();
    const burst = perSecond === null ? maxInBatch : allowance(nowMs, dueMs, perSecond);
    if (burst < 1) {
      await untilDue(dueMs - nowMs, perSecond);
      continue;
    }
    const { exit, remaining, countsDropped } = way.at(accepted);
    const outcome = taken(send(exit, accepted, Math.min(burst, count - accepted, remaining)), countsDropped);
    accepted += outcome.accepted;
    if (perSecond !== null) dueMs = Math.max(dueMs, nowMs - burstMs) + (outcome.accepted * 1000) / perSecond;
    if (outcome.error !== null) {
      refusedSinceMs ??= nowMs;
      if (isFinal(outcome.error, nowMs - refusedSinceMs)) return ended(outcome.error);
      await sleep(1);
      continue;
    }
    refusedSinceMs = null;
    sinceTurn += outcome.accepted;
    if (sinceTurn < maxInTurn) continue;
    sinceTurn = 0;
    await turn();
  }
  return ended(null);
}

/** What the kernel took. One frame that the driver dropped is taken where such count. */
function taken(outcome: BatchOutcome, countsDropped: boolean): BatchOutcome {
  return countsDropped && outcome.error === 'ENOBUFS' ? { accepted: outcome.accepted + 1, error: null } : outcome;
}

class Way {
  private readonly routes: SendRequest['routes'];
  private route = 0;
  private routeEnd: number;

  constructor(routes: SendRequest['routes']) {
    this.routes = routes;
    this.routeEnd = routes[0]?.count ?? 0;
  }

  /** Where the frame of this number leaves, and how many from it on do so too. */
  at(frame: number): { readonly exit: Exit; readonly remaining: number; readonly countsDropped: boolean } {
    while (frame >= this.routeEnd && this.route < this.routes.length - 1) {
      this.route += 1;
      this.routeEnd += this.routes[this.route]?.count ?? 0;
    }
    const route = this.routes[this.route];
    return {
      exit: route ?? { fd: -1, interface: 0 },
      remaining: this.routeEnd - frame,
      countsDropped: route?.countsDropped === true,
    };
  }
}

/** Waits until the next frame is due, or until the event loop has turned. */
async function untilDue(waitMs: number, perSecond: number | null): Promise<void> {
  const sleeps = waitMs >= 1 || (perSecond ?? 0) <= maxBySleep;
  await (sleeps ? sleep(Math.max(1, Math.floor(waitMs))) : turn());
}

function isFinal(error: string, refusedForMs: number): boolean {
  return !passing.includes(error) || refusedForMs > maxRetryMs;
}

/** Frames that may leave now: one when it is due, and what 2 ms of delay have made due as well. */
function allowance(nowMs: number, dueMs: number, perSecond: number): number {
  if (nowMs < dueMs) return 0;
  const lateMs = Math.min(nowMs - dueMs, burstMs);
  return Math.min(maxInBatch, 1 + Math.floor((lateMs * perSecond) / 1000));
}
