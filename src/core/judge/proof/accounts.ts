import type { Account, AccountWindow } from '../../model/timeline.js';
import { restReadings, settledMeetings } from '../../protocol/account-window.js';
import { reason, type Reason } from '../../model/reasons.js';
import type { StepFacts } from './step-facts.js';

/** Frames out of an account's ports that no observer was offered. */
export interface Unheard {
  /** Whatever the traffic. 0 = even. */
  readonly certain: number;
  /** null = no window has an idle moment. */
  readonly settled: number | null;
  /** At least this many, unless among the driver's drops. Absent = none. */
  readonly orDropped?: number;
}

type Showing = 'all' | 'likely all' | 'too little';

/**
 * `all`: at a moment of the window no frame was between observers and counter. The ports came to rest, or met the
 * highest bound at several moments. `likely all`: frames were counted during each reading. The bound may be two short,
 * as at 300,000 frames a second by 50 ports. A tap counts a frame when its reader takes it, so rest shows nothing
 * there. Behind a port, readings are too far apart for traffic: only rest counts.
 */
function showing(window: AccountWindow, { kind }: Account): Showing {
  if (kind !== 'tap' && window.rest >= restReadings) return 'all';
  if (kind === 'inside' || window.readings < restReadings || window.meetings < settledMeetings) return 'too little';
  return window.high <= window.low ? 'all' : 'likely all';
}

/** null = unknown. Windows that show likely all may differ by what they missed: only even ones count. */
function settledBetween(account: Account, first: AccountWindow, last: AccountWindow): number | null {
  const shown = [showing(first, account), showing(last, account)];
  const hidden = Math.max(0, last.low - first.low);
  if (shown.includes('too little')) return null;
  return hidden > 0 && shown.includes('likely all') ? null : hidden;
}

/**
 * The account between a window before the probes and one after. With D = counted − heard and at most `held` frames
 * under way, `low ≤ D ≤ high` at a reading; hidden frames never decrease. A driver's drop may precede the observers
 * (validate_xmit_skb, net/core/dev.c): drops reduce the certain number. Most drivers drop frames already heard
 * (veth_xmit, tun_net_xmit), which leaves D unchanged.
 */
export function unheardBetween(account: Account, first: AccountWindow, last: AccountWindow): Unheard {
  const dropped = last.droppedLast - first.droppedFirst;
  const isExact = dropped === 0 && account.held <= account.processors;
  const atLeast = Math.max(0, last.low - first.high - account.held);
  const certain = Math.max(0, atLeast - dropped);
  return {
    certain,
    ...(certain === 0 && atLeast > 0 ? { orDropped: atLeast } : {}),
    settled: isExact ? settledBetween(account, first, last) : null,
  };
}

function textOf(name: string, account: Account, { certain, settled, orDropped }: Unheard): string {
  const { ports, observers, kind } = account;
  const count = orDropped ?? settled ?? certain;
  const frames = count === 1 ? '1 frame' : `${count} frames`;
  if (kind === 'inside')
    return `${settled === null ? 'at least ' : ''}${frames} came to ${observers.join()} that did not leave by ${ports.join()}: something hands them over past the port`;
  if (orDropped !== undefined)
    return `at least ${frames} left by ${name} that no packet socket was offered, or were dropped before one was: the driver drops frames there, so the count does not show which. Stop what it drops (often a guest with a smaller MTU) and run again`;
  const where = ports.length === 1 ? `by ${name}` : `by ${name}, ${ports.length} ports together,`;
  return `${settled === null ? 'at least ' : ''}${frames} left ${where} that no packet socket was offered: the kernel counted more than was heard there`;
}

/** Frames that no observer heard. Old timelines have no accounts. */
export function accountReasons({ accounts, accountsBefore, accountsAfter }: StepFacts): readonly Reason[] {
  return Object.entries(accounts).flatMap(([name, account]): readonly Reason[] => {
    const [first, last] = [accountsBefore[name], accountsAfter[name]];
    if (first === undefined || last === undefined) return [];
    const unheard = unheardBetween(account, first, last);
    const { certain, settled, orDropped = 0 } = unheard;
    if (certain === 0 && (settled ?? 0) === 0 && orDropped === 0) return [];
    const [observer = null] = account.observers.length === 1 ? account.observers : [];
    return [reason('unheard-frames', observer, textOf(name, account, unheard))];
  });
}
