import type { GuardRecord } from '../model/guard.js';

/** Drops a second beyond three times what was usual that are nobody's fault yet. */
const tolerableDrops = 10;
/** Pings in a row of which the median counts, or that are lost. */
const pingsInARow = 4;
/**
 * A gateway that answers so many times slower than before, and by so much at least, is disturbed: below that the
 * scheduler explains it.
 */
const slower = { times: 10, ms: 50 } as const;

/** Drops of each port since the beginning, at a moment in ms. */
export interface DropReading {
  readonly atMs: number;
  readonly drops: Readonly<Record<string, number>>;
}

/**
 * Ports that drop more than they used to, between two readings a second or so apart; a line for the first of them, null
 * = none does.
 */
export function droppingPort(usual: GuardRecord['dropsPerSecond'], from: DropReading, to: DropReading): string | null {
  const seconds = Math.max(1, to.atMs - from.atMs) / 1000;
  for (const [port, now] of Object.entries(to.drops)) {
    const before = from.drops[port];
    if (before === undefined) continue;
    const rate = (now - before) / seconds;
    if (rate > 3 * (usual[port] ?? 0) + tolerableDrops)
      return `${port} drops ${Math.round(rate)} frames a second, ${Math.round(usual[port] ?? 0)} before the run`;
  }
  return null;
}

/**
 * What is wrong with the last answers of a gateway (null = none came), held against its median before; null = nothing.
 */
export function worseGateway(medianMs: number | null, answers: readonly (number | null)[]): string | null {
  const last = answers.slice(-pingsInARow);
  if (medianMs === null || last.length < pingsInARow) return null;
  const came = last.filter((answer) => answer !== null);
  if (came.length === 0) return `the gateway no longer answers: ${last.length} pings in a row are lost`;
  const now = median(came) ?? 0;
  return now > slower.times * medianMs && now - medianMs > slower.ms
    ? `the gateway answers in ${now.toFixed(1)} ms, in ${medianMs.toFixed(1)} ms before the run`
    : null;
}

export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
