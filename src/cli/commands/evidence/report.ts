import { commandText } from '../../../core/fix/fix-text.js';
import { assertKnown } from '../../../core/model/verify-error.js';
import type { ReportedRun, UnendedRun } from '../../../report/reporter.js';
import type { ReporterName } from '../../../report/reporters.js';
import { makePaint } from '../../../report/terminal/layout.js';
import { runsTable } from '../../../report/terminal/runs.js';
import { judgeFolder } from '../../../system/evidence/replay.js';
import { combineExitStatuses } from '../../command.js';
import { printFailedReports, writeReports, writeTexts } from '../reporters.js';
import { reportedRun } from './load-details.js';

async function judgedRun(dir: string, frames = false): Promise<ReportedRun> {
  const { result, input } = await judgeFolder(dir);
  return reportedRun(dir, result, frames, input);
}

async function judgedOrNot(dir: string): Promise<ReportedRun | UnendedRun> {
  try {
    return await judgedRun(dir);
  } catch (error) {
    assertKnown(error);
    return { name: dir, why: error.message };
  }
}

/** A line a run. Gives the worst status; a folder that cannot be judged has 3. */
async function listRuns(dirs: readonly string[], path: string | null): Promise<number> {
  const runs: (ReportedRun | UnendedRun)[] = [];
  for (const dir of dirs) runs.push(await judgedOrNot(dir));
  const failed = await writeTexts(
    [{ name: 'terminal', path, render: ({ color }) => runsTable(runs, makePaint(color)) }],
    {},
  );
  const statuses = runs.map((run) => ('why' in run ? 3 : run.result.exitCode));
  return combineExitStatuses([...statuses, ...printFailedReports(failed)]);
}

/**
 * Judges the folders again into one report. Without a form it is the terminal's, of several folders a line each, and
 * the status is that of the runs; with one the status is of writing.
 */
export async function reportCommand(
  dirs: readonly string[],
  form: ReporterName | undefined,
  path: string | null,
): Promise<number> {
  const name = form ?? 'terminal';
  if (form === undefined && dirs.length > 1) return listRuns(dirs, path);
  const runs: ReportedRun[] = [];
  for (const dir of dirs) runs.push(await judgedRun(dir, name === 'html'));
  const failed = await writeReports([{ name, path }], runs);
  return combineExitStatuses([
    ...(form === undefined ? runs.map(({ result }) => result.exitCode) : []),
    ...printFailedReports(failed, commandText(['report', ...dirs, '--format', name, '-o', 'FILE']), true),
  ]);
}
