import type { Finding, ProvenFix, Result, StepResult } from '../model/result.js';

/** As much of what is sent as who has to see it must get, as in a step's own proof. */
const deliveryShare = 0.99;

type Outcome = Pick<ProvenFix, 'outcome' | 'before' | 'after' | 'cutOff' | 'text'>;

function keyOf({ probe, class: name, carrier, vlan, variant, from, to, observer }: Finding): string {
  return JSON.stringify([probe, name, carrier, vlan, variant ?? null, from, to, observer]);
}

/** Addressees that got what was sent to them. */
function reached(step: StepResult | undefined): ReadonlySet<string> {
  const rows = (step?.findings ?? []).filter((row) => row.allowed === 'must' && (row.sent ?? 0) > 0);
  const short = new Set(
    rows.filter((row) => row.seen < deliveryShare * (row.sent ?? 0)).map(({ observer }) => observer),
  );
  return new Set(rows.map(({ observer }) => observer).filter((name) => !short.has(name)));
}

function sum(rows: readonly Finding[], keys: ReadonlySet<string>): number {
  return rows.filter((row) => keys.has(keyOf(row))).reduce((total, row) => total + row.seen, 0);
}

/**
 * What became of a fix, from the run of its trial. `at`: where the trial has the step before and after it, and the
 * looks at who is reached. A fix that stops a leak by cutting somebody off is no fix: who got what was sent to it has
 * to get it still.
 */
export function fixOutcome(
  cause: string,
  trial: Result,
  at: { readonly before: number; readonly reachBefore: number; readonly after: number; readonly reachAfter: number },
): Outcome {
  const [before, after] = [trial.steps[at.before], trial.steps[at.after]];
  const explained = (before?.findings ?? []).filter((row) => row.leak && row.causes.some(({ code }) => code === cause));
  const keys = new Set(explained.map(keyOf));
  const seen = explained.reduce((total, row) => total + row.seen, 0);
  if (before === undefined || after === undefined || seen === 0) {
    return {
      outcome: 'unproven',
      before: seen,
      after: null,
      cutOff: [],
      text: 'the leak did not show again when the step was repeated without the fix',
    };
  }
  const failed = after.reasons.find(({ code }) =>
    ['step-failed', 'unsupported', 'not-run', 'interrupted'].includes(code),
  );
  if (failed !== undefined) return { outcome: 'failed', before: seen, after: null, cutOff: [], text: failed.text };
  const left = sum(after.findings, keys);
  const cutOff = [
    ...[...reached(before)].filter((name) => !reached(after).has(name)),
    ...[...reached(trial.steps[at.reachBefore])].filter((name) => !reached(trial.steps[at.reachAfter]).has(name)),
  ].filter((name, index, all) => all.indexOf(name) === index);
  const counts = { before: seen, after: left, cutOff };
  if (left > 0) return { ...counts, outcome: 'still-leaks', text: `${left} of ${seen} frames are still seen` };
  if (cutOff.length > 0)
    return {
      ...counts,
      outcome: 'cuts-off',
      text: `nothing leaks, but ${cutOff.join(', ')} no longer ${cutOff.length === 1 ? 'gets' : 'get'} what is sent there`,
    };
  if (after.verdict === 'broken')
    return { ...counts, outcome: 'partly', text: 'these rows leak no longer, others of the step still do' };
  if (after.verdict !== 'holds')
    return {
      ...counts,
      outcome: 'unproven',
      text: `nothing was seen, but that is not proven: ${[...new Set(after.reasons.map(({ code }) => code))].join(', ')}`,
    };
  return { ...counts, outcome: 'mends', text: 'nothing leaks, and everybody still gets what is sent there' };
}
