import type { RunContext } from '../context.js';

/**
 * `1,200 of 3,000 frames, 4,000/s, 12 s left`: how far a step's probes are. Rate and rest are told once a second has
 * passed.
 */
export function paceText(done: number, begun: number, total: number, elapsedMs: number): string {
  // As toLocaleString does, which takes 10 ms at its first call.
  const number = (value: number): string => value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ',');
  const text = `${number(done)} of ${number(total)} frames`;
  const rate = ((done - begun) / elapsedMs) * 1000;
  if (elapsedMs < 1000 || !Number.isFinite(rate) || rate <= 0) return text;
  const left = Math.ceil((total - done) / rate);
  const time = left >= 120 ? `${Math.ceil(left / 60)} min` : `${left} s`;
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
