import { wallClockNs } from '../../system/kernel/clock.js';
import type { RemoteHost } from './remote-host.js';

/** How far another host's wall clock is ahead of this one's, in ns, and the most by which that may be wrong. */
export interface ClockOffset {
  readonly offsetNs: bigint;
  readonly boundNs: bigint;
}

/** Round trips that are tried; the fastest says most. */
const tries = 8;

/**
 * Estimates it as NTP does (RFC 5905 8): the far side's time is that of the middle of a round trip, give or take half
 * of it. It decides no verdict: what comes first is known from the protocol; it puts frames of several hosts next to
 * each other.
 */
export async function clockOffset(host: RemoteHost): Promise<ClockOffset> {
  let best: ClockOffset | null = null;
  for (let at = 0; at < tries; at += 1) {
    const before = wallClockNs();
    const { ns } = await host.ask({ ask: 'clock' });
    const after = wallClockNs();
    const boundNs = (after - before) / 2n;
    if (best === null || boundNs < best.boundNs) best = { offsetNs: BigInt(ns) - (before + boundNs), boundNs };
  }
  return best ?? { offsetNs: 0n, boundNs: 0n };
}
