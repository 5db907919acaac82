import type { DefineCommand } from '../cli/command.js';
import { formatNames } from './reporter-help.js';

/** `report DIR --format NAME`: another view of a run's evidence. */
export const defineReport: DefineCommand = (parser, context) => {
  parser.command(
    'report <dir..>',
    'write a report of runs in another form',
    (options) =>
      options
        .positional('dir', { type: 'string', array: true, demandOption: true, describe: 'evidence folders' })
        .option('format', { choices: formatNames, demandOption: true, describe: 'form of the report' })
        .option('output', {
          alias: 'o',
          type: 'string',
          requiresArg: true,
          describe: 'file to write; stdout without it',
        }),
    async (args) => {
      const { reportCommand } = await import('../cli/commands/evidence/report.js');
      context.setStatus(await reportCommand(args.dir, args.format, args.output ?? null));
    },
  );
};
