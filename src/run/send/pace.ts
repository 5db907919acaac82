import type { Capture } from '../../system/capture/client.js';
import { maxRestMs } from '../../system/capture/engines/packet-ring.js';
import { type Clock, machineClock } from '../../system/kernel/clock.js';
import type { RunContext } from '../context.js';

/** `1,200 of 3,000 frames, 4,000/s, 12 s left`. Rate and rest appear after a second. */
export function paceText(done: number, begun: number, total: number, elapsedMs: number): string {
  // As toLocaleString does, which takes 10 ms at its first call.
  const number = (value: number): string => value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ',');
  const text = `${number(done)} of ${number(total)} frames`;
  const rate = ((done - begun) / elapsedMs) * 1000;
  if (elapsedMs < 1000 || !Number.isFinite(rate) || rate <= 0) return text;
  const remaining = Math.ceil((total - done) / rate);
  const time = remaining >= 120 ? `${Math.ceil(remaining / 60)} min` : `${remaining} s`;
  return `${text}, ${number(rate)}/s${done < total ? `, ${time} left` : ''}`;
}

/** Frames a second without loss at the ring sizes of capture-step.ts. */
const defaultRate = { libpcap: 50_000, cap: 5000 } as const;
/** Guests work meanwhile. */
const hostRate = 1000;

/** Frames a second without loss. Limits controls too, as a burst could fill a ring before the first probe. */
export function lossFreeRate(context: Pick<RunContext, 'engine' | 'plan'>): number {
  return context.plan.provider === 'host' ? hostRate : defaultRate[context.engine];
}

/** Sends as fast as observers receive: frames under way fit half their ring. */
export interface Feedback {
  /** Frames that may be sent now. Waits for some. */
  room(): Promise<number>;
  sent(frames: number): void;
  /** Sightings until now, confirmed by a mark, were not of the next probes. */
  interrupted(): void;
}

export interface FeedbackOptions {
  /** Frames in the observers' ring. */
  readonly capacity: number;
  /** Places that may see a frame: its assumed cost at first. */
  readonly observers: number;
  /** Resolves when the kernel has all that `sent` reported. */
  readonly handedOver: () => Promise<void>;
  readonly clock?: Clock;
}

/** Later frames may make more sightings. */
const maxPending = 32_768;
/** A ring rests at most this long, then must report. A longer silence means fewer sightings than before. */
const patienceMs = maxRestMs + 10;
const pollMs = 2;

/**
 * Learns from a mark after the first frames how many sightings a frame makes, and from the observers' counts how many
 * are to come. If later frames make more, the counts exceed that. If they make fewer, the observers fall silent, and a
 * mark confirms that they have all.
 */
export function createFeedback(
  capture: Pick<Capture, 'onCounts' | 'mark'>,
  { capacity, observers, handedOver, clock = machineClock }: FeedbackOptions,
): Feedback {
  let total = 0;
  let perFrame: number | null = null;
  capture.onCounts((taken) => {
    total = taken;
  });
  /** `total` before the frames that `sent` counts. */
  let base = total;
  let sent = 0;
  /** Call it when nothing is under way. */
  async function settle(): Promise<number> {
    await handedOver();
    await capture.mark('pace');
    return total;
  }
  function fitting(sightings: number): number {
    return Math.max(1, Math.floor(Math.min(maxPending, capacity / 2 / (sightings * 1.25))));
  }
  return {
    sent(frames) {
      sent += frames;
    },
    interrupted() {
      base = total;
      sent = 0;
    },
    async room() {
      if (sent === 0 && perFrame === null) return Math.max(1, Math.floor(capacity / 2 / (observers + 1)));
      perFrame ??= Math.max(1, ((await settle()) - base) / sent);
      const began = clock.now();
      for (;;) {
        if (sent > 0) perFrame = Math.max(perFrame, (total - base) / sent);
        const most = fitting(perFrame);
        const room = Math.floor(most - Math.max(0, sent - (total - base) / perFrame));
        if (room >= most / 4) return room;
        if (clock.now() - began > patienceMs) {
          const settled = await settle();
          if (sent > 0) perFrame = Math.max(1, (settled - base) / sent);
          base = settled;
          sent = 0;
        } else {
          await clock.sleep(pollMs);
        }
      }
    },
  };
}
