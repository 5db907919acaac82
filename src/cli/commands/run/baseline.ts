import { usageError } from '../../../core/model/verify-error.js';
import { escapeText, nounFor } from '../../../core/text/escape.js';
import { countText } from '../../../core/text/names.js';
import { countLeakRows, isFoldedLeak, newlyUnmet } from '../../../report/compare-results.js';
import { againstBaseline, newsAgainst } from '../../../report/known-leaks.js';
import type { ReportedRun } from '../../../report/reporter.js';

/** Judges `--baseline` folders again. VerifyError (64) if one has no run. */
export async function loadBaselines(dirs: readonly string[]): Promise<readonly ReportedRun[]> {
  if (dirs.length === 0) return []; // the judge need not be loaded
  const [{ replayFolder }, { reportedRun }] = await Promise.all([
    import('../../../system/evidence/replay.js'),
    import('../evidence/load-details.js'),
  ]);
  const baselines: ReportedRun[] = [];
  for (const dir of dirs) baselines.push(await reportedRun(dir, await replayFolder(dir), false));
  return baselines;
}

/** VerifyError (64) if a scenario lacks a baseline of its name. */
export function checkBaselines(baselines: readonly ReportedRun[], names: readonly string[]): void {
  const without =
    baselines.length === 0
      ? []
      : names.filter((name) => !baselines.some(({ result }) => result.scenario.name === name));
  if (without.length > 0)
    throw usageError(
      `--baseline: none is a run of ${without.join(', ')}`,
      'name the evidence folder of an earlier run of each scenario; --baseline may be given several times',
    );
}

function againstText(baselineRun: ReportedRun, run: ReportedRun): string {
  const [{ result: baseline }, { result }] = [baselineRun, run];
  const { began, worse } = newsAgainst(baselineRun, run);
  const texts = [
    [countLeakRows(began), 'not in the baseline'] as const,
    [countLeakRows(worse), 'worse than in the baseline (more frames, another form, cause, port or MAC)'] as const,
  ].flatMap(([rows, how]) =>
    rows > 0 ? [`${countText(rows)} leaking ${nounFor(rows, 'row is', 'rows are')} ${how}`] : [],
  );
  if (texts.length > 0) return texts.join(', ');
  if (result.steps.some(({ asExpected, findings }) => !asExpected && findings.some(isFoldedLeak)))
    return 'every leak that has a row of its own stands in the baseline already; the others may be new, ask for fewer pairs a step';
  const unmet = newlyUnmet(baseline, result).map(({ claim }) => claim);
  const but = unmet.length === 0 ? '' : `, but this came true there and not here: ${unmet.join('; ')}`;
  return `every leak stands in the baseline already${but}`;
}

/**
 * Compares a run with its baseline for reports, and names it on stderr if known leaks matter. The folder's result
 * stays.
 */
export function withBaseline(baselines: readonly ReportedRun[], run: ReportedRun): ReportedRun {
  const { result } = run;
  const baseline = baselines.find(({ result: { scenario } }) => scenario.name === result.scenario.name);
  if (baseline === undefined) return { ...run, status: result.exitCode };
  const shown = againstBaseline(run, baseline);
  if (result.exitCode === 2) {
    process.stderr.write(
      `${escapeText(result.scenario.name)}: ${againstText(baseline, run)} (run ${escapeText(baseline.result.run.id)}); exit status ${shown.result.exitCode}\n`,
    );
  }
  return shown;
}
