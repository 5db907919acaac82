import type { Finding, Result, StepResult, UnmetClaim, Verdict } from '../core/model/result.js';
import { countRows, isUnacceptedLeak } from './reported-leaks.js';
import { groupBy } from '../core/text/collections.js';

/** A leaking row with the name of its step. */
export interface LeakRow {
  readonly step: string;
  readonly finding: Finding;
}

/** What is different between two runs of a scenario, the second seen from the first. */
export interface RunComparison extends Changes<LeakRow> {
  /** Leaks of both runs that have rows of their own. */
  readonly stayed: readonly { readonly before: LeakRow; readonly after: LeakRow }[];
  /** Leaks of both runs that have no rows of their own: which of them are new is not known, only how many they are. */
  readonly folded: readonly (LeakRow & { readonly before: number; readonly after: number })[];
  readonly verdicts: readonly {
    readonly step: string;
    readonly before: Verdict | null;
    readonly after: Verdict | null;
  }[];
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
}

/** Steps by their name; steps of one name by their order. */
export function namedSteps(result: Result): ReadonlyMap<string, Result['steps'][number]> {
  const named = new Map<string, Result['steps'][number]>();
  for (const step of result.steps) {
    let name = step.name;
    for (let more = 2; named.has(name); more += 1) name = `${step.name} (${more})`;
    named.set(name, step);
  }
  return named;
}

/** The text by which leaks of two runs are compared. */
export function leakKey(
  step: string,
  { probe, class: name, carrier, vlan, variant, from, to, observer }: Finding,
): string {
  return JSON.stringify([step, probe, name, carrier, vlan, variant ?? null, from, to, observer]);
}

/** Leaks by what they are compared by; folded ones that are alike in it differ in their numbers of frames. */
function byKey(leaks: readonly LeakRow[]): ReadonlyMap<string, readonly LeakRow[]> {
  return groupBy(leaks, ({ step, finding }) => leakKey(step, finding));
}

function leaksOf(result: Result, isLeak = isUnacceptedLeak): ReadonlyMap<string, readonly LeakRow[]> {
  return byKey(
    [...namedSteps(result)].flatMap(([step, { findings }]) =>
      findings.filter(isLeak).map((finding) => ({ step, finding })),
    ),
  );
}

/** What began, what is proven to have stopped, and what is gone without a proof. */
export interface Changes<Value> {
  readonly began: readonly Value[];
  readonly stopped: readonly Value[];
  readonly untold: readonly Value[];
}

/** Compares what was found twice, by key. `proven`: that a thing is not found any more shows that it is over. */
export function compareFound<Value>(
  before: ReadonlyMap<string, readonly Value[]>,
  after: ReadonlyMap<string, readonly Value[]>,
  proven: (value: Value) => boolean,
): Changes<Value> {
  const gone = [...before].flatMap(([key, values]) => (after.has(key) ? [] : values));
  return {
    began: [...after].flatMap(([key, values]) => (before.has(key) ? [] : values)),
    stopped: gone.filter(proven),
    untold: gone.filter((value) => !proven(value)),
  };
}

/**
 * Compares two runs row by row. A leak that is no longer seen, accepted or exposed counts as stopped if its step holds
 * now. Or it is broken by others with nothing in doubt, among which it cannot be. `open`: leaks of earlier runs of
 * which the first one does not report.
 */
export function compareResults(first: Result, second: Result, open: readonly LeakRow[] = []): RunComparison {
  const after = leaksOf(second);
  const before = new Map([...byKey(open), ...leaksOf(first)]);
  const leaking = leaksOf(second, ({ leak, exposed }) => leak || exposed === true);
  const [stepsBefore, stepsAfter] = [namedSteps(first), namedSteps(second)];
  const proven = ({ step, finding }: LeakRow): boolean => {
    const now = stepsAfter.get(step);
    return (
      now !== undefined &&
      now.verdict !== null &&
      now.verdict !== 'inconclusive' &&
      !leaking.has(leakKey(step, finding)) &&
      !leaking.has(leakKey(step, { ...finding, from: '*', to: finding.to === null ? null : '*' })) &&
      !now.reasons.some((reason) => reason.observer === null || reason.observer === finding.observer)
    );
  };
  return {
    ...compareFound(before, after, proven),
    stayed: [...after].flatMap(([key, [row]]) => {
      const known = before.get(key)?.[0];
      return row === undefined || known === undefined || isFoldedLeak(row.finding) || isFoldedLeak(known.finding)
        ? []
        : [{ before: known, after: row }];
    }),
    folded: [...after].flatMap(([key, rows]) => {
      const [first] = rows;
      const known = before.get(key);
      return first === undefined || known === undefined || !isFoldedLeak(first.finding)
        ? []
        : [{ ...first, before: countLeakRows(known), after: countLeakRows(rows) }];
    }),
    verdicts: [...stepsAfter].flatMap(([step, now]) => {
      const then = stepsBefore.get(step);
      return then === undefined || then.verdict === now.verdict
        ? []
        : [{ step, before: then.verdict, after: now.verdict }];
    }),
    onlyFirst: [...stepsBefore.keys()].filter((name) => !stepsAfter.has(name)),
    onlySecond: [...stepsAfter.keys()].filter((name) => !stepsBefore.has(name)),
  };
}

/** How many leaks they are. */
export function countLeakRows(leaks: readonly LeakRow[]): number {
  return countRows(leaks.map(({ finding }) => finding));
}

/**
 * Is that a row for leaks that have none of their own, beyond the number that a step lists? Which they are is not said,
 * so that nothing shows them to be known.
 */
export function isFoldedLeak(row: Finding): boolean {
  return isUnacceptedLeak(row) && row.grouped !== undefined;
}

/** Steps that held in the first run, and of which the second one proves nothing: it is inconclusive, or lacks them. */
export function unprovenSteps(first: Result, second: Result): readonly string[] {
  const now = namedSteps(second);
  return [...namedSteps(first)].flatMap(([name, { verdict }]) => {
    const after = now.get(name)?.verdict ?? 'inconclusive';
    return verdict === 'holds' && after === 'inconclusive' ? [name] : [];
  });
}

/**
 * The exit status of a comparison: 2 where something began to leak, 3 where a known leak is not proven to be gone, a
 * step that held is not proven any more, or leaks cannot be compared, else 0.
 */
export function statusOfComparison(first: Result, second: Result, comparison: RunComparison): number {
  const { began, untold, folded } = comparison;
  if (began.length > 0) return 2;
  return untold.length > 0 || folded.length > 0 || unprovenSteps(first, second).length > 0 ? 3 : 0;
}

/** Claims that failed and did not in the baseline, with their steps. */
export function newlyUnmet(
  baseline: Result,
  result: Result,
): readonly { readonly step: StepResult; readonly claim: string }[] {
  const before = namedSteps(baseline);
  const keyOf = ({ claim, probe, outcome }: UnmetClaim): string => JSON.stringify([claim, probe, outcome]);
  return [...namedSteps(result)].flatMap(([name, step]) => {
    const known = new Set((before.get(name)?.unmet ?? []).map(keyOf));
    return (step.unmet ?? []).flatMap((unmet) => (known.has(keyOf(unmet)) ? [] : [{ step, claim: unmet.claim }]));
  });
}

/**
 * The exit status of a run whose known leaks are those of a baseline: 2 only where one is news. Every other status
 * stays. `news`: leaks that began or are worse.
 */
export function statusAgainst(
  baseline: Result,
  result: Result,
  news: readonly LeakRow[] = compareResults(baseline, result).began,
): number {
  if (result.exitCode !== 2) return result.exitCode;
  if (news.length > 0) return 2;
  const failing = result.steps.filter((step) => !step.asExpected);
  if (failing.some(({ findings }) => findings.some(isFoldedLeak))) return 3;
  // A broken step with something unproven may hide a leak that is new.
  if (failing.some((step) => step.verdict === 'inconclusive' || step.reasons.length > 0)) return 3;
  if (newlyUnmet(baseline, result).length > 0) return 4;
  return failing.some((step) => step.verdict !== 'broken' || step.expected !== 'holds') ? 4 : 0;
}
