import { commandText } from '../../../core/fix/fix-text.js';
import { usageError } from '../../../core/model/verify-error.js';
import type { ReportedRun } from '../../../report/reporter.js';
import type { ReporterName } from '../../../report/reporters.js';
import { judgeFolder } from '../../../system/evidence/replay.js';
import { combineExitStatuses } from '../../command.js';
import { printFailedReports, writeReports } from '../reporters.js';
import { reportedRun } from './load-details.js';

/** Judges the folders again into one report. The status is of writing, not the verdict. */
export async function reportCommand(
  dirs: readonly string[],
  name: ReporterName,
  path: string | null,
  picture = false,
): Promise<number> {
  if (picture && name !== 'terminal')
    throw usageError(`--picture is for people at a terminal, not for ${name}`, 'give --format terminal');
  const runs: ReportedRun[] = [];
  for (const dir of dirs) {
    const { result, input } = await judgeFolder(dir);
    runs.push(await reportedRun(dir, result, name === 'html', input));
  }
  const failed = await writeReports([{ name, path }], runs, { picture });
  return combineExitStatuses(
    printFailedReports(failed, commandText(['report', ...dirs, '--format', name, '-o', 'FILE']), true),
  );
}
