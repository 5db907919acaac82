import type { AccountWindow } from '../model/timeline.js';

/** Kernel counters of an account's ports together. */
export interface SentCount {
  /** tx_packets (linux/if_link.h). */
  readonly sent: number;
  /** By the driver: tx_dropped. */
  readonly dropped: number;
}

/**
 * The kernel's counter before and after, and frames a packet socket was offered. The kernel offers a frame before
 * counting it (dev_hard_start_xmit, net/core/dev.c). `sent + dropped − heard` is thus the frames no socket was offered,
 * less those in between.
 */
export interface AccountReading {
  readonly before: SentCount;
  readonly heard: number;
  readonly after: SentCount;
}

/** This many equal readings show a port at rest. `settledMeetings` of a busy one show nothing under way. */
export const restReadings = 5;
export const settledMeetings = 3;

export function isSettled(window: AccountWindow): boolean {
  return window.rest >= restReadings || window.meetings >= settledMeetings;
}

/** Folds a reading into the window; null = the first. */
export function withReading(window: AccountWindow | null, { before, heard, after }: AccountReading): AccountWindow {
  const low = before.sent + before.dropped - heard;
  const high = after.sent + after.dropped - heard;
  const still = low === high && before.sent === after.sent;
  if (window === null)
    return {
      readings: 1,
      low,
      high,
      droppedFirst: before.dropped,
      droppedLast: after.dropped,
      sentAtLow: before.sent,
      meetings: 1,
      still,
      rest: still ? 1 : 0,
    };
  const meets = low === window.low && before.sent !== window.sentAtLow;
  const isAbove = low > window.low;
  const isSame = still && low === window.low && before.sent === window.sentAtLow;
  return {
    readings: window.readings + 1,
    low: Math.max(window.low, low),
    high: Math.min(window.high, high),
    droppedFirst: window.droppedFirst,
    droppedLast: after.dropped,
    sentAtLow: isAbove || meets ? before.sent : window.sentAtLow,
    meetings: isAbove ? 1 : window.meetings + (meets ? 1 : 0),
    still: window.still && isSame,
    rest: (isSame ? window.rest : 0) + (still ? 1 : 0),
  };
}
