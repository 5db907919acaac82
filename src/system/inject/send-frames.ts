import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { batchSender, maxInBatch } from './batch-sender.js';

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
  readonly routes: readonly { readonly fd: number; readonly interface: number; readonly count: number }[];
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
  let accepted = 0;
  let route = 0;
  let routeEnd = routes[0]?.count ?? 0;
  let dueMs = Math.max(performance.now(), request.notBeforeMs ?? 0);
  let refusedSinceMs: number | null = null;
  let sinceTurn = 0;
  while (accepted < count) {
    if (!goOn()) return { accepted, error: 'ECANCELED', nextMs: dueMs };
    const nowMs = performance.now();
    const burst = perSecond === null ? maxInBatch : allowance(nowMs, dueMs, perSecond);
    if (burst < 1) {
      const waitMs = dueMs - nowMs;
      await (waitMs >= 1 || (perSecond ?? 0) <= maxBySleep ? sleep(Math.max(1, Math.floor(waitMs))) : turn());
      continue;
    }
    while (accepted >= routeEnd && route < routes.length - 1) {
      route += 1;
      routeEnd += routes[route]?.count ?? 0;
    }
    const { fd, interface: interfaceIndex } = routes[route] ?? { fd: -1, interface: 0 };
    const outcome = send(fd, interfaceIndex, accepted, Math.min(burst, count - accepted, routeEnd - accepted));
    accepted += outcome.accepted;
    if (perSecond !== null) dueMs = Math.max(dueMs, nowMs - burstMs) + (outcome.accepted * 1000) / perSecond;
    if (outcome.error === null) {
      refusedSinceMs = null;
      sinceTurn += outcome.accepted;
      if (sinceTurn >= maxInTurn) {
        sinceTurn = 0;
        await turn();
      }
    } else {
      refusedSinceMs ??= nowMs;
      if (!passing.includes(outcome.error) || nowMs - refusedSinceMs > maxRetryMs)
        return { accepted, error: outcome.error, nextMs: dueMs };
      await sleep(1);
    }
  }
  return { accepted, error: null, nextMs: dueMs };
}

/** Frames that may leave now: one when it is due, and what 2 ms of delay have made due as well. */
function allowance(nowMs: number, dueMs: number, perSecond: number): number {
  if (nowMs < dueMs) return 0;
  const lateMs = Math.min(nowMs - dueMs, burstMs);
  return Math.min(maxInBatch, 1 + Math.floor((lateMs * perSecond) / 1000));
}
