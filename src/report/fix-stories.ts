import type { ProvenFix, Result } from '../core/model/result.js';

/** What the outcome of a trial means, in a word or two. */
export const outcomeWords: Readonly<Record<ProvenFix['outcome'], string>> = {
  mends: 'MENDS',
  partly: 'MENDS IN PART',
  'still-leaks': 'STILL LEAKS',
  'cuts-off': 'CUTS OFF',
  unproven: 'UNPROVEN',
  failed: 'FAILED',
};

/** Every fix that was tried, with its 0-based step. */
export function fixStories(result: Result): readonly { readonly step: number; readonly fix: ProvenFix }[] {
  return result.steps.flatMap((each, step) => (each.fixes ?? []).map((fix) => ({ step, fix })));
}

/** `300 → 0` */
export function countsText({ before, after }: ProvenFix): string {
  return `${before ?? '?'} → ${after ?? '?'}`;
}
