import { leakGroups } from '../core/judge/explain/leak-groups.js';
import type { Finding, Result, StepResult } from '../core/model/result.js';
import { compareResults, isFoldedLeak, statusAgainst } from './compare-results.js';
import type { ReportedRun } from './reporter.js';

/** Why a known leak is not news; reports show it as what was accepted. */
function knownFrom(baseline: Result): NonNullable<Finding['accepted']> {
  return { reason: `known from run ${baseline.run.id}`, owner: null, ticket: null, until: null };
}

/** A step whose leaks are all known came out as it was known to. */
function knownStep(step: StepResult, fresh: ReadonlySet<Finding>, known: NonNullable<Finding['accepted']>): StepResult {
  const isKnown = (row: Finding): boolean =>
    row.leak && row.accepted === undefined && !isFoldedLeak(row) && !fresh.has(row);
  if (!step.findings.some(isKnown)) return step;
  const findings = step.findings.map((row) => (isKnown(row) ? { ...row, accepted: known } : row));
  // Leaks that have no rows of their own stand in the groups alone.
  const isFolded = step.findings.some(({ grouped }) => grouped !== undefined);
  const groups = isFolded ? step.groups : leakGroups(findings);
  const isAllKnown =
    step.verdict === 'broken' &&
    step.reasons.length === 0 &&
    !findings.some((row) => row.leak && row.accepted === undefined);
  return {
    ...step,
    findings,
    ...(groups === undefined ? {} : { groups }),
    asExpected: step.asExpected || (isAllKnown && step.expected === 'holds'),
  };
}

/**
 * A run as reports show it against an earlier one: leaks that this had already are known, and fail nothing. `judged` is
 * the result as it stands in the folder.
 */
export function againstBaseline(run: ReportedRun, baseline: Result): ReportedRun {
  const { result } = run;
  const fresh = new Set(compareResults(baseline, result).began.map(({ finding }) => finding));
  const known = knownFrom(baseline);
  const steps = result.steps.map((step) => (step.asExpected ? step : knownStep(step, fresh, known)));
  const exitCode = statusAgainst(baseline, result);
  const shown = { ...result, steps, exitCode, asExpected: steps.every(({ asExpected }) => asExpected) };
  return { ...run, result: shown, judged: result, status: exitCode };
}
