import { replayFolder } from '../evidence/replay.js';
import type { ReportedRun } from '../report/reporter.js';
import { chooseReporters, writeReports } from './choose-reporters.js';
import { combineStatuses } from './combine-statuses.js';

/** Judges each folder again and reports; returns the exit status. */
export async function replayCommand(dirs: readonly string[], options: { readonly json: boolean; readonly reporter: readonly string[] }): Promise<number> {
  const chosen = chooseReporters(options.reporter, options.json);
  const runs: ReportedRun[] = [];
  for (const dir of dirs) runs.push({ result: await replayFolder(dir), dir });
  await writeReports(chosen, runs);
  return combineStatuses(runs.map(({ result }) => result.exitCode));
}
