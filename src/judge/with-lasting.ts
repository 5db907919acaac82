import type { Keeper, LastingFix } from '../core/model/persistent-fix.js';
import type { Cause, StepResult } from '../core/model/result.js';
import { lastingFixes } from '../lasting/lasting-fixes.js';

/**
 * A step's result whose causes say how their fixes come to stay, where it is known who makes the devices; `undefined`:
 * nobody looked. Rests on nothing but the fixes' words.
 */
export function withLasting(result: StepResult, keepers: readonly Keeper[] | undefined): StepResult {
  if (keepers === undefined) return result;
  const known = new Map<string, readonly LastingFix[]>();
  const told = (cause: Cause): Cause => {
    const lasting = known.get(cause.fix) ?? lastingFixes(cause.fix, keepers);
    known.set(cause.fix, lasting);
    return lasting.length === 0 ? cause : { ...cause, lasting };
  };
  return {
    ...result,
    findings: result.findings.map((finding) =>
      finding.causes.length === 0 ? finding : { ...finding, causes: finding.causes.map(told) },
    ),
  };
}
