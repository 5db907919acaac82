import type { DefineCommand } from '../../command.js';

/**
 * `purge DIR`: removes payload from the evidence for good; headers and tokens stay, and with them the verdict. A
 * report.html, which shows frames, is written anew.
 */
export const definePurge: DefineCommand = (parser, context) => {
  parser.command(
    'purge <dir>',
    'remove all payload from the evidence of a run, for good; headers and tokens stay',
    (options) => options.positional('dir', { type: 'string', demandOption: true, describe: 'evidence folder' }),
    async (args) => {
      const [{ purgeFolder }, { reportedRun }, { removeReportFile, writeReportFile }, { printFailedReports }] =
        await Promise.all([
          import('../../../system/evidence/purge.js'),
          import('./load-details.js'),
          import('./write-report-file.js'),
          import('../reporters.js'),
        ]);
      const { removed, result } = await purgeFolder(args.dir, new Date().toISOString());
      const failed = (await removeReportFile(args.dir))
        ? await writeReportFile(await reportedRun(args.dir, result, true))
        : [];
      process.stderr.write(`removed ${removed} bytes of payload; custody.ndjson says so\n`);
      context.setStatus(printFailedReports(failed)[0] ?? 0);
    },
  );
};
