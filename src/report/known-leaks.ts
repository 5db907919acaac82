import { leakGroups } from '../core/judge/explain/leak-groups.js';
import type { Finding, Result, StepResult } from '../core/model/result.js';
import { compareResults, isFoldedLeak, type LeakRow, newlyUnmet, statusAgainst } from './compare-results.js';
import { isUnacceptedLeak } from './reported-leaks.js';
import type { ReportedRun } from './reporter.js';
import { worseLeaks } from './worse-leaks.js';

function knownFrom(baseline: Result): NonNullable<Finding['accepted']> {
  return { reason: `known from run ${baseline.run.id}`, owner: null, ticket: null, until: null };
}

interface Fresh {
  readonly leaks: ReadonlySet<Finding>;
  readonly steps: ReadonlySet<StepResult>;
}

function knownStep(step: StepResult, fresh: Fresh, known: NonNullable<Finding['accepted']>): StepResult {
  const isKnown = (row: Finding): boolean => isUnacceptedLeak(row) && !isFoldedLeak(row) && !fresh.leaks.has(row);
  if (!step.findings.some(isKnown)) return step;
  const findings = step.findings.map((row) => (isKnown(row) ? { ...row, accepted: known } : row));
  // Leaks that have no rows of their own stand in the groups alone.
  const isFolded = step.findings.some(({ grouped }) => grouped !== undefined);
  const groups = isFolded ? step.groups : leakGroups(findings);
  const isAllKnown =
    step.verdict === 'broken' &&
    step.reasons.length === 0 &&
    !fresh.steps.has(step) &&
    !findings.some(isUnacceptedLeak);
  return {
    ...step,
    findings,
    ...(groups === undefined ? {} : { groups }),
    asExpected: step.asExpected || (isAllKnown && step.expected === 'holds'),
  };
}

/** Leaks that the baseline lacks, or that are worse now. */
export function newsAgainst(
  baseline: ReportedRun,
  run: ReportedRun,
): { readonly began: readonly LeakRow[]; readonly worse: readonly LeakRow[] } {
  const compared = compareResults(baseline.result, run.result);
  return { began: compared.began, worse: worseLeaks(baseline, run, compared) };
}

/** Leaks that the baseline had, and are not worse, fail nothing. `judged`: the folder's result. */
export function againstBaseline(run: ReportedRun, baseline: ReportedRun): ReportedRun {
  const { result } = run;
  const { began, worse } = newsAgainst(baseline, run);
  const fresh = {
    leaks: new Set([...began, ...worse].map(({ finding }) => finding)),
    steps: new Set(newlyUnmet(baseline.result, result).map(({ step }) => step)),
  };
  const known = knownFrom(baseline.result);
  const steps = result.steps.map((step) => (step.asExpected ? step : knownStep(step, fresh, known)));
  const exitCode = statusAgainst(baseline.result, result, [...began, ...worse]);
  const shown = { ...result, steps, exitCode, asExpected: steps.every(({ asExpected }) => asExpected) };
  return { ...run, result: shown, judged: result, status: exitCode };
}
