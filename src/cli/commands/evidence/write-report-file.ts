import { reportForm } from '../../../core/model/run-record.js';
import { messageOf } from '../../../core/model/verify-error.js';
import { join } from 'node:path';
import { htmlReport } from '../../../report/html/page.js';
import type { ReportedRun } from '../../../report/reporter.js';
import type { CheckedFolder, FolderCheck } from '../../../system/evidence/check-folder.js';
import { files, writeWhole } from '../../../system/evidence/folder/folder.js';
import { readRegularIfThere } from '../../../system/evidence/read/regular-file.js';
import { type FailedReport, failedReport } from '../reporters.js';
import { reportedRun } from './load-details.js';

/** Writes `report.html` (0600), which is neither hashed nor replayed. Gives failures. */
export async function writeReportFile(run: ReportedRun): Promise<readonly FailedReport[]> {
  if (run.dir === null) return [];
  const path = join(run.dir, files.report.name);
  try {
    await writeWhole(path, htmlReport([run], { width: 100, color: false }));
    return [];
  } catch (error) {
    return [failedReport(`${path} could not be written`, error)];
  }
}

const otherForm =
  'report.html was laid out by another version: not compared; `report DIR --format html` makes it again';

const maxBytes = 256 * 2 ** 20;

/** Compares `report.html` with a new one. Another `reportForm` is not compared. */
export async function checkReportFile(dir: string, { result, input }: CheckedFolder): Promise<FolderCheck> {
  const name = 'report';
  try {
    const written = readRegularIfThere(join(dir, files.report.name), maxBytes);
    if (written === null) return { name, ok: null, text: 'there is no report.html' };
    const rendered = htmlReport([await reportedRun(dir, result, true, input)], { width: 100, color: false });
    if (rendered === written) return { name, ok: true, text: 'made anew: report.html, byte for byte' };
    return input.run.reportForm === reportForm
      ? { name, ok: false, text: 'report.html is not what this run says' }
      : { name, ok: null, text: otherForm };
  } catch (error) {
    return { name, ok: false, text: `report.html: ${messageOf(error)}` };
  }
}
