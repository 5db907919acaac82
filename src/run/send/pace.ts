import type { Capture } from '../../system/capture/client.js';
import { maxRestMs } from '../../system/capture/engines/packet-ring.js';
import { type Clock, machineClock } from '../../system/kernel/clock.js';
import type { RunContext } from '../context.js';

/**
 * `1,200 of 3,000 frames, 4,000/s, 12 s left`: how far a step's probes are. Rate and rest are reported once a second
 * has passed.
 */
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

/** Frames a second that the engines take without loss at the ring sizes of capture-step.ts, with room to spare. */
const defaultRate = { libpcap: 50_000, cap: 5000 } as const;
/** On a host guests work meanwhile. */
const hostRate = 1000;

/**
 * Frames a second at which nothing is lost: for probes where the scenario writes no rate, and always for controls, so
 * that a burst of them cannot fill a ring before the first probe.
 */
export function lossFreeRate(context: Pick<RunContext, 'engine' | 'plan'>): number {
  return context.plan.provider === 'host' ? hostRate : defaultRate[context.engine];
}

/** Lets frames go as fast as the observers take them: what is under way fits half of their ring. */
export interface Feedback {
  /** Frames that may be sent now; waits until there are some. */
  room(): Promise<number>;
  sent(frames: number): void;
  /** What came until now, which a mark has said is all, were not sightings of the probes that follow: controls, say. */
  interrupted(): void;
}

export interface FeedbackOptions {
  /** Frames that the ring of the observers holds. */
  readonly capacity: number;
  /** Places that may see a frame: what each frame costs before anything is known. */
  readonly observers: number;
  /** Resolves when everything that `sent` was notified of is with the kernel. */
  readonly handedOver: () => Promise<void>;
  readonly clock?: Clock;
}

/** However few sightings a frame makes: later ones may make more, and are then not too many. */
const maxPending = 32_768;
/**
 * A ring rests for this long at most, and what it then brings has to be reported. What did not come for this long is
 * no longer under way: these frames make fewer sightings than those before.
 */
const patienceMs = maxRestMs + 10;
const pollMs = 2;

/**
 * Learns from a mark after the first frames how many sightings a frame makes, and from the counts of the observers how
 * many are still to come. Where later frames make more, that shows as soon as more is counted than was to come; where
 * they make fewer, the observers fall silent, and a mark says that they have all.
 */
export function createFeedback(
  capture: Pick<Capture, 'onCounts' | 'mark'>,
  { capacity, observers, handedOver, clock = machineClock }: FeedbackOptions,
): Feedback {
  /** Sightings so far. */
  let total = 0;
  let perFrame: number | null = null;
  capture.onCounts((taken) => {
    total = taken;
  });
  /** `total` when the frames began that `sent` counts. */
  let base = total;
  let sent = 0;
  /** Reads what came when nothing is under way. */
  async function settle(): Promise<number> {
    await handedOver();
    await capture.mark('pace');
    return total;
  }
  /** How many frames fit the observers' ring, and may be under way. */
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
