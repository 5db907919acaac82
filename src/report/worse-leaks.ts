import type { Finding } from '../core/model/result.js';
import { findNamed } from '../core/text/collections.js';
import { type LeakRow, namedSteps, type RunComparison } from './compare-results.js';
import type { ReportedRun } from './reporter.js';

/** Its share grew by more than three standard errors of two proportions: what chance does not do. */
function isMore(was: Finding, is: Finding): boolean {
  if (was.sent === null || is.sent === null || was.sent === 0 || is.sent === 0) return false;
  const shareOf = ({ seen }: Finding, sent: number): number => Math.min(1, seen / sent);
  const [before, after] = [shareOf(was, was.sent), shareOf(is, is.sent)];
  const pooled = (before * was.sent + after * is.sent) / (was.sent + is.sent);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / was.sent + 1 / is.sent));
  return after - before > 3 * error;
}

/** Forms in which its frames arrived. */
function formsOf({ seen, forms = {} }: Finding): readonly string[] {
  const altered = Object.entries(forms).filter(([, frames]) => frames > 0);
  const count = altered.reduce((sum, [, frames]) => sum + frames, 0);
  return [...altered.map(([form]) => form), ...(seen > count ? ['as sent'] : [])];
}

/** Of endpoints in a step, by name: port and MACs, as far as they are known. */
function placesOf({ result, details }: ReportedRun, step: string): (name: string) => readonly (string | undefined)[] {
  const observers = namedSteps(result).get(step)?.observers ?? [];
  return (name) => [
    findNamed(observers, name)?.interface,
    details === null ? undefined : findNamed(details.plan.endpoints, name)?.macs.join(' '),
  ];
}

function isElsewhere(baseline: ReportedRun, run: ReportedRun, { step, finding }: LeakRow): boolean {
  const [placeBefore, placeAfter] = [placesOf(baseline, step), placesOf(run, step)];
  return [finding.from, finding.to ?? finding.observer, finding.observer].some((name) => {
    const after = placeAfter(name);
    return placeBefore(name).some((was, at) => was !== undefined && after[at] !== undefined && was !== after[at]);
  });
}

const hasNew = <Value>(before: readonly Value[], after: readonly Value[]): boolean =>
  after.some((value) => !before.includes(value));

/**
 * Leaks that a baseline has by name, and that are worse by now. A larger share of the frames is seen, or another
 * form or cause. Or the name stands for another port or MAC.
 */
export function worseLeaks(
  baseline: ReportedRun,
  run: ReportedRun,
  { stayed }: Pick<RunComparison, 'stayed'>,
): readonly LeakRow[] {
  return stayed
    .filter(
      ({ before: { finding: was }, after }) =>
        isMore(was, after.finding) ||
        hasNew(formsOf(was), formsOf(after.finding)) ||
        hasNew(
          was.causes.map(({ code }) => code),
          after.finding.causes.map(({ code }) => code),
        ) ||
        isElsewhere(baseline, run, after),
    )
    .map(({ after }) => after);
}
