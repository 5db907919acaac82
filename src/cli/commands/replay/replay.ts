import { stat } from 'node:fs/promises';
import { VerifyError, usageError } from '../../../core/model/verify-error.js';
import type { ReportedRun } from '../../../report/reporter.js';
import { reporters } from '../../../report/reporters.js';
import { judgeFolder } from '../../../system/evidence/replay.js';
import { reportedRun } from '../evidence/load-details.js';
import { combineExitStatuses } from '../../command.js';
import { printError } from '../../print-error.js';
import { chooseReporters, printFailedReports, writeReports } from '../reporters.js';

async function judgedRun(dir: string, isPage: boolean): Promise<ReportedRun> {
  const isFile = await stat(dir)
    .then((info) => info.isFile())
    .catch(() => false);
  if (isFile)
    throw usageError(
      `${dir}: a capture alone does not say which endpoint listened`,
      'name the MAC of the endpoint that recorded it with --mac, or a scenario with --scenario and --observer',
    );
  const { result, input } = await judgeFolder(dir);
  return reportedRun(dir, result, isPage, input);
}

/** Judges folders again, and names those it cannot judge. VerifyError if none is judged. */
export async function replayCommand(
  dirs: readonly string[],
  options: {
    readonly json: boolean;
    readonly reporter: readonly string[];
    readonly verbose?: boolean;
    readonly wide?: boolean;
  },
): Promise<number> {
  if (dirs.length === 0)
    throw usageError(
      'replay needs a folder that a run left',
      'or captures: replay FILE --mac MAC, replay --scenario FILE --observer NAME=FILE',
    );
  const chosen = chooseReporters(options.reporter, options.json);
  // loaded now, since at the end of a large capture all waits for its hash
  await Promise.all(chosen.map(({ name }) => reporters[name]()));
  const isPage = chosen.some(({ name }) => name === 'html');
  const runs: ReportedRun[] = [];
  const failures: { readonly dir: string; readonly error: VerifyError }[] = [];
  for (const dir of dirs) {
    try {
      runs.push(await judgedRun(dir, isPage));
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      failures.push({ dir, error });
    }
  }
  const [failure] = failures;
  if (runs.length === 0 && failure !== undefined) throw failure.error;
  const status = combineExitStatuses([
    ...runs.map(({ result }) => result.exitCode),
    ...failures.map(({ error }) => printError(error)),
  ]);
  const unended = failures.map(({ dir, error }) => ({ name: dir, why: error.message }));
  const failed = printFailedReports(
    await writeReports(chosen, runs, {
      status,
      verbose: options.verbose ?? false,
      wide: options.wide ?? false,
      unended,
    }),
  );
  return combineExitStatuses([status, ...failed]);
}
