import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { type BatchOutcome, batchSender, type Exit, maxInBatch } from './batch-sender.js';

/** A full queue passes, other errors are final. */
const passing = ['EAGAIN', 'ENOBUFS', 'EINTR'];
const maxRetryMs = 1000;
const burstMs = 2;
/** Below this, sleeping 1 ms leaves few frames to catch up. */
const maxBySleep = 10_000;
const maxInTurn = 512;

export interface SendRequest {
  /** `fd`: a packet socket, interface 0: its bound one. */
  readonly routes: readonly {
    readonly fd: number;
    readonly interface: number;
    readonly count: number;
    /** Bytes of each frame, absent = all. */
    readonly size?: number;
    /** A driver's drop (ENOBUFS) counts as sent. */
    readonly countsDropped?: true;
  }[];
  readonly frames: Buffer;
  readonly length: number;
  /** null = unlimited. */
  readonly perSecond: number | null;
  /** performance.now() at which earlier requests' frames end. */
  readonly notBeforeMs?: number;
}

/** Frames taken, the next one's error, and its due time (performance.now()). */
export interface SentFrames {
  readonly accepted: number;
  readonly error: string | null;
  readonly nextMs: number;
}

/**
 * Paced: at most 64 at once, and 2 ms' worth to catch up. The event loop turns between bursts. At a host's rates it
 * sleeps at least 1 ms: busy waiting would take a processor from guests.
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

  /** `remaining`: frames with the same exit. */
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

async function untilDue(waitMs: number, perSecond: number | null): Promise<void> {
  const sleeps = waitMs >= 1 || (perSecond ?? 0) <= maxBySleep;
  await (sleeps ? sleep(Math.max(1, Math.floor(waitMs))) : turn());
}

function isFinal(error: string, refusedForMs: number): boolean {
  return !passing.includes(error) || refusedForMs > maxRetryMs;
}

function allowance(nowMs: number, dueMs: number, perSecond: number): number {
  if (nowMs < dueMs) return 0;
  const lateMs = Math.min(nowMs - dueMs, burstMs);
  return Math.min(maxInBatch, 1 + Math.floor((lateMs * perSecond) / 1000));
}
