import type { RunContext } from './context.js';

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
