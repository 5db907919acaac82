import type { Result } from '../../core/model/result.js';

/** What is known of one observer's ear over a whole run. */
export interface Ear {
  readonly sent: number;
  readonly seen: number;
  readonly dropped: number;
  readonly proven: boolean;
}

/** Every observer's ear; proven only where it saw every control of every step and lost nothing. */
export function earsOf(result: Result): ReadonlyMap<string, Ear> {
  const ears = new Map<string, Ear>();
  for (const observer of result.steps.flatMap((step) => step.observers)) {
    const before = ears.get(observer.name) ?? { sent: 0, seen: 0, dropped: 0 };
    const now = {
      sent: before.sent + observer.controlsSent,
      seen: before.seen + observer.controlsSeen,
      dropped: before.dropped + observer.dropped,
    };
    ears.set(observer.name, { ...now, proven: now.sent > 0 && now.seen === now.sent && now.dropped === 0 });
  }
  return ears;
}
