import type { Cause, Finding } from '../core/model/result.js';
import { findNamed } from '../core/text/collections.js';
import { type LeakRow, namedSteps, type RunComparison } from './compare-results.js';
import type { ReportedRun } from './reporter.js';

/** By more than three standard errors of two proportions, or tenfold for guests' own frames. */
function isMore(was: Finding, is: Finding): boolean {
  if (was.sent === null || is.sent === null) return is.seen > 10 * was.seen;
  if (was.sent === 0 || is.sent === 0) return false;
  const shareOf = ({ seen }: Finding, sent: number): number => Math.min(1, seen / sent);
  const [before, after] = [shareOf(was, was.sent), shareOf(is, is.sent)];
  const pooled = (before * was.sent + after * is.sent) / (was.sent + is.sent);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / was.sent + 1 / is.sent));
  return after - before > 3 * error;
}

function formsOf({ seen, forms = {} }: Finding): readonly string[] {
  const altered = Object.entries(forms).filter(([, frames]) => frames > 0);
  const count = altered.reduce((sum, [, frames]) => sum + frames, 0);
  return [...altered.map(([form]) => form), ...(seen > count ? ['as sent'] : [])];
}

/** Behind an uplink MACs come and go. */
function placesOf({ result, details }: ReportedRun, step: string): (name: string) => readonly (readonly string[])[] {
  const observers = namedSteps(result).get(step)?.observers ?? [];
  return (name) => {
    const port = findNamed(observers, name)?.interface;
    const endpoint = details === null ? undefined : findNamed(details.plan.endpoints, name);
    return [
      port === undefined ? [] : [port],
      endpoint === undefined || endpoint.role === 'uplink' ? [] : endpoint.macs,
    ];
  };
}

function isElsewhere(baseline: ReportedRun, run: ReportedRun, { step, finding }: LeakRow): boolean {
  const [placeBefore, placeAfter] = [placesOf(baseline, step), placesOf(run, step)];
  return [finding.from, finding.to ?? finding.observer, finding.observer].some((name) => {
    const after = placeAfter(name);
    return placeBefore(name).some((was, at) => {
      const is = after[at] ?? [];
      return was.length > 0 && is.length > 0 && !is.some((place) => was.includes(place));
    });
  });
}

const hasNew = <Value>(before: readonly Value[], after: readonly Value[]): boolean =>
  after.some((value) => !before.includes(value));

/** A reloaded rule has another handle. */
const causePlaces = ({ place }: Cause): readonly string[] =>
  place === '' ? [] : place.replaceAll(/ handle \S+/g, '').split(', ');

function isNewCause(before: readonly Cause[], cause: Cause): boolean {
  const same = before.filter(({ code }) => code === cause.code);
  const known = same.flatMap(causePlaces);
  return same.length === 0 || (known.length > 0 && hasNew(known, causePlaces(cause)));
}

/** A larger share of frames, another form or cause, or another port or MAC of the name. */
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
        after.finding.causes.some((cause) => isNewCause(was.causes, cause)) ||
        isElsewhere(baseline, run, after),
    )
    .map(({ after }) => after);
}
