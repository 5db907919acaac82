import type { PlannedClaim } from '../../model/plan.js';
import { answerVariant, type Finding, type UnmetClaim } from '../../model/result.js';

/** The outcome of a `seen` claim. */
export type ClaimOutcome = 'held' | UnmetClaim['outcome'];

function rowOutcome(row: Finding, claim: PlannedClaim): ClaimOutcome {
  // Grouped rows are equal: each has its share.
  const perRow = row.seen / (row.grouped ?? 1);
  switch (claim.seen) {
    case 'none':
      return perRow === 0 ? 'held' : 'beyond';
    case 'some':
      return perRow > 0 ? 'held' : 'short';
    case 'all':
      return perRow > 0 && row.seen >= (row.sent ?? 1) ? 'held' : 'short';
    default:
      if (perRow === claim.seen) return 'held';
      return perRow > claim.seen ? 'beyond' : 'short';
  }
}

/** Must hold for every row that it selects. */
export function claimOutcome(claim: PlannedClaim, rows: readonly Finding[]): ClaimOutcome {
  const outcomes = rows
    .filter(
      (row) =>
        row.observer === claim.observer &&
        (claim.probe === null || claim.probe === row.probe) &&
        (claim.from === null || claim.from === row.from) &&
        (claim.to === null || claim.to === row.to) &&
        (claim.carrier === null || claim.carrier === row.carrier) &&
        (claim.variant === undefined ? row.variant !== answerVariant : claim.variant === row.variant),
    )
    .map((row) => rowOutcome(row, claim));
  if (outcomes.length === 0) return 'unmatched';
  if (outcomes.includes('beyond')) return 'beyond';
  return outcomes.includes('short') ? 'short' : 'held';
}

/** A claim in words for reports. */
export function claimText(claim: PlannedClaim): string {
  const narrowed = [
    claim.from === null ? '' : ` from ${claim.from}`,
    claim.to === null ? '' : ` to ${claim.to}`,
    claim.carrier === null ? '' : ` as ${claim.carrier}`,
    claim.variant === undefined ? '' : ` as ${claim.variant}`,
  ].join('');
  return `${claim.observer} sees ${String(claim.seen)}${narrowed}`;
}

/** A step's claims that did not come true. */
export function unmetClaims(
  claims: readonly { readonly claim: PlannedClaim; readonly outcome: ClaimOutcome }[],
): readonly UnmetClaim[] {
  return claims.flatMap(({ claim, outcome }) =>
    outcome === 'held' ? [] : [{ claim: claimText(claim), probe: claim.probe, outcome }],
  );
}
