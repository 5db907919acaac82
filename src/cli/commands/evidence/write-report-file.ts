import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { htmlReport } from '../../../report/html/page.js';
import type { ReportedRun } from '../../../report/reporter.js';

const reportFile = 'report.html';

/**
 * Writes `report.html` into the run's folder, 0600. It is a view, no evidence: neither hashed nor read by a replay.
 * Returns what failed, in a line, or nothing.
 */
export async function writeReportFile(run: ReportedRun): Promise<readonly string[]> {
  if (run.dir === null) return [];
  const path = join(run.dir, reportFile);
  try {
    await writeFile(path, htmlReport([run], { width: 100, color: false }), { mode: 0o600 });
    return [];
  } catch (error) {
    return [`${path} could not be written: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** Removes the `report.html` of a run's folder; false where there is none. */
export async function removeReportFile(dir: string): Promise<boolean> {
  return rm(join(dir, reportFile)).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
