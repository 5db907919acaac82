import type { Noise } from '../../model/result.js';
import type { StepTally } from './tally.js';

/** Guests choose their addresses: further sources share one count. */
const maxSources = 4096;
const others = '*';
const maxNamed = 3;

/** Counts a frame that is no authentic probe or control of this run. */
export function countNoise(noise: StepTally['noise'], observer: string, source: string, towards: boolean): void {
  const bySource = noise.get(observer) ?? new Map<string, { towards: number; entered: number }>();
  noise.set(observer, bySource);
  const key = bySource.has(source) || bySource.size < maxSources ? source : others;
  const count = bySource.get(key) ?? { towards: 0, entered: 0 };
  bySource.set(key, count);
  if (towards) count.towards += 1;
  else count.entered += 1;
}

function entryOf(noise: StepTally['noise'], source: string): string | null {
  let entry: { readonly observer: string; readonly entered: number } | null = null;
  for (const [observer, bySource] of noise) {
    const entered = bySource.get(source)?.entered ?? 0;
    if (entered > (entry?.entered ?? 0)) entry = { observer, entered };
  }
  return entry?.observer ?? null;
}

/** The loudest sources captured. Dropped frames are unknown. */
export function noiseAt(noise: StepTally['noise'], observer: string): readonly Noise[] {
  return [...(noise.get(observer) ?? [])]
    .map(([source, { towards, entered }]) => ({
      source,
      frames: towards + entered,
      enteredAt: source === others ? null : entryOf(noise, source),
    }))
    .sort((a, b) => b.frames - a.frames || (a.source < b.source ? -1 : 1))
    .slice(0, maxNamed);
}

/** The flood's sources in words: `3,800 of 4,000 frames there were from 52:54:00:00:00:01, which entered at a`. */
export function noiseText(noise: readonly Noise[], captured: number): string {
  const [first] = noise;
  const sum = noise.reduce((total, { frames }) => total + frames, 0);
  if (first === undefined || 2 * sum < captured) return 'most frames there were the run’s own: lower `rate`';
  const who = first.source === others ? 'other sources' : first.source;
  return `${first.frames} of ${captured} frames there were noise from ${who}${first.enteredAt === null ? '' : `, which entered at ${first.enteredAt}`}`;
}
