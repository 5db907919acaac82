import type { Finding, Result, StepResult, UnmetClaim, Verdict } from '../core/model/result.js';
import { countRows, isUnacceptedLeak } from './reported-leaks.js';
import { groupBy } from '../core/text/collections.js';

/** A leaking row with its step's name. */
export interface LeakRow {
  readonly step: string;
  readonly finding: Finding;
}

/** Differences of two runs, seen from the first. `stopped` is proven, `untold` is gone without proof. */
export interface RunComparison {
  readonly began: readonly LeakRow[];
  readonly stopped: readonly LeakRow[];
  readonly untold: readonly LeakRow[];
  readonly stayed: readonly { readonly before: LeakRow; readonly after: LeakRow }[];
  /** Only their numbers are comparable. */
  readonly folded: readonly (LeakRow & { readonly before: number; readonly after: number })[];
  readonly verdicts: readonly {
    readonly step: string;
    readonly before: Verdict | null;
    readonly after: Verdict | null;
  }[];
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
}

/** Steps by name, equal names in order. */
export function namedSteps(result: Result): ReadonlyMap<string, Result['steps'][number]> {
  const named = new Map<string, Result['steps'][number]>();
  for (const step of result.steps) {
    let name = step.name;
    for (let more = 2; named.has(name); more += 1) name = `${step.name} (${more})`;
    named.set(name, step);
  }
  return named;
}

/** Equal for a leak in all runs. */
function leakKey(step: string, { probe, class: name, carrier, vlan, variant, from, to, observer }: Finding): string {
  return JSON.stringify([step, probe, name, carrier, vlan, variant ?? null, from, to, observer]);
}

/** Folded leaks with one key differ in their numbers of frames. */
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

/** A leak gone, accepted or exposed has stopped if its step holds now, or other leaks clearly break it. */
export function compareResults(first: Result, second: Result): RunComparison {
  const after = leaksOf(second);
  const before = leaksOf(first);
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
  const gone = [...before].flatMap(([key, rows]) => (after.has(key) ? [] : rows));
  return {
    began: [...after].flatMap(([key, rows]) => (before.has(key) ? [] : rows)),
    stopped: gone.filter(proven),
    untold: gone.filter((row) => !proven(row)),
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

/** The number of leaks. */
export function countLeakRows(leaks: readonly LeakRow[]): number {
  return countRows(leaks.map(({ finding }) => finding));
}

/** True for leaks beyond a step's limit, which have no names. */
export function isFoldedLeak(row: Finding): boolean {
  return isUnacceptedLeak(row) && row.grouped !== undefined;
}

/** Held in the first run, inconclusive or missing in the second. */
export function unprovenSteps(first: Result, second: Result): readonly string[] {
  const now = namedSteps(second);
  return [...namedSteps(first)].flatMap(([name, { verdict }]) => {
    const after = now.get(name)?.verdict ?? 'inconclusive';
    return verdict === 'holds' && after === 'inconclusive' ? [name] : [];
  });
}

/** Exit status: 2 = a leak began. 3 = a leak may persist or is not comparable, or a held step is unproven. Else 0. */
export function statusOfComparison(first: Result, second: Result, comparison: RunComparison): number {
  const { began, untold, folded } = comparison;
  if (began.length > 0) return 2;
  return untold.length > 0 || folded.length > 0 || unprovenSteps(first, second).length > 0 ? 3 : 0;
}

/** Claims that failed only now, with their steps. */
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

/** Exit status: 2 only with news. `news`: leaks that began or are worse. */
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
