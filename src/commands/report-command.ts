import { replayFolder } from '../evidence/replay.js';
import type { ReportedRun } from '../report/reporter.js';
import type { ReporterName } from '../report/reporters.js';
import { tellFailedReports, writeReports } from './choose-reporters.js';
import { combineStatuses } from './combine-statuses.js';
import { reportedRun } from './load-details.js';

/** Judges the folders' evidence again and writes one report; the status is that of the writing, not of the verdict. */
export async function reportCommand(dirs: readonly string[], name: ReporterName, path: string | null): Promise<number> {
  const runs: ReportedRun[] = [];
  for (const dir of dirs) runs.push(await reportedRun(dir, await replayFolder(dir), name === 'html'));
  return combineStatuses(tellFailedReports(await writeReports([{ name, path }], runs)));
}
