import type { AccountWindow } from '../model/timeline.js';

/** Kernel counters of an account's ports together, since they exist. */
export interface SentCount {
  /** Frames handed to the far end: tx_packets of rtnl_link_stats64 (linux/if_link.h). */
  readonly sent: number;
  /** Frames dropped by the driver: tx_dropped. */
  readonly dropped: number;
}

/**
 * The kernel's counter, outgoing frames offered to a packet socket, the counter again. A frame is offered before it is
 * counted (dev_hard_start_xmit, net/core/dev.c), so `sent + dropped − heard` is the frames that no socket was offered,
 * less those between the two.
 */
export interface AccountReading {
  readonly before: SentCount;
  readonly heard: number;
  readonly after: SentCount;
}

/** Equal readings that show a port at rest; moments of a busy one that show nothing under way. */
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
