import { commandText } from '../../../core/fix/fix-text.js';
import type { ReportedRun } from '../../../report/reporter.js';
import type { ReporterName } from '../../../report/reporters.js';
import { judgeFolder } from '../../../system/evidence/replay.js';
import { combineExitStatuses } from '../../command.js';
import { printFailedReports, writeReports } from '../reporters.js';
import { reportedRun } from './load-details.js';

/** Judges the folders again into one report. The status is of writing, not the verdict. */
export async function reportCommand(dirs: readonly string[], name: ReporterName, path: string | null): Promise<number> {
  const runs: ReportedRun[] = [];
  for (const dir of dirs) {
    const { result, input } = await judgeFolder(dir);
    runs.push(await reportedRun(dir, result, name === 'html', input));
  }
  const failed = await writeReports([{ name, path }], runs);
  return combineExitStatuses(
    printFailedReports(failed, commandText(['report', ...dirs, '--format', name, '-o', 'FILE']), true),
  );
}
