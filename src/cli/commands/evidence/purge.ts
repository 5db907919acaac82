import { command, operand } from '../../command.js';

/** Headers, tokens and thus the verdict stay. A report.html shows frames, so it is rewritten. */
export const definePurge = command(
  'purge <dir>',
  'remove all payload from the evidence of a run, for good; headers and tokens stay',
  (parser) => parser.positional('dir', operand('evidence folder')),
  async (args) => {
    const [
      { purgeFolder },
      { inEvidenceFolder },
      { reportedRun },
      { removeReportFile, writeReportFile },
      { printFailedReports },
    ] = await Promise.all([
      import('../../../system/evidence/purge.js'),
      import('../../../system/evidence/folder/own-folder.js'),
      import('./load-details.js'),
      import('./write-report-file.js'),
      import('../reporters.js'),
    ]);
    const failed = await inEvidenceFolder(args.dir, async (dir) => {
      const { removed, result } = await purgeFolder(dir, new Date().toISOString());
      process.stderr.write(`removed ${removed} bytes of payload; custody.ndjson says so\n`);
      if (!(await removeReportFile(dir))) return [];
      const failure = await writeReportFile(await reportedRun(dir, result, true));
      return failure.map(({ text, status }) => ({ text: text.replaceAll(dir, args.dir), status }));
    });
    return printFailedReports(failed)[0];
  },
);
