import type { TakeFrame } from '../engine.js';

/** Frames from cap that wait for the worker. */
export interface FrameQueue {
  push(bytes: Buffer, captured: number): void;
  drain(take: TakeFrame, budget: number): number;
  /** Frames that found the queue full. */
  dropped(): number;
}

interface Queued {
  readonly bytes: Buffer;
  readonly seconds: number;
  readonly nanoseconds: number;
}

const maxBytes = 64 << 20;
const overhead = 160;

/** Skips `stale` frames and infers directions from the observer's lower-case `macs`. */
export function frameQueue(macs: ReadonlySet<string>, stale: number): FrameQueue {
  const known = new Set([...macs].map((mac) => Number.parseInt(mac.replaceAll(':', ''), 16)));
  let waiting: Queued[] = [];
  let next = 0;
  let bytesHeld = 0;
  let skip = stale;
  let dropped = 0;
  return {
    push(bytes, captured) {
      if (bytesHeld > maxBytes) {
        dropped += 1;
        return;
      }
      const nowMs = performance.timeOrigin + performance.now();
      const seconds = Math.floor(nowMs / 1000);
      waiting.push({
        bytes: Buffer.from(bytes.subarray(0, captured)),
        seconds,
        nanoseconds: Math.floor((nowMs - seconds * 1000) * 1e6),
      });
      bytesHeld += captured + overhead;
    },
    drain(take, budget) {
      let taken = 0;
      for (; taken < budget && next < waiting.length; taken += 1) {
        const frame = waiting[next];
        next += 1;
        if (frame === undefined) break;
        bytesHeld -= frame.bytes.length + overhead;
        if (skip > 0) {
          skip -= 1;
          continue;
        }
        const source = frame.bytes.length >= 12 ? frame.bytes.readUIntBE(6, 6) : -1;
        const { bytes, seconds, nanoseconds } = frame;
        const { length } = bytes;
        take({
          bytes,
          offset: 0,
          captured: length,
          original: length,
          seconds,
          nanoseconds,
          outgoing: !known.has(source),
        });
      }
      if (next === waiting.length) {
        waiting = [];
        next = 0;
      }
      return taken;
    },
    dropped: () => dropped,
  };
}
