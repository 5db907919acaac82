import type { DefineCommand } from '../../command.js';
import { formatNames } from '../../help.js';

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
      const { reportCommand } = await import('./report.js');
      context.setStatus(await reportCommand(args.dir, args.format, args.output ?? null));
    },
  );
};

/** `diff A B`: what began to leak between two runs, what stopped, which setting changed. */
export const defineDiff: DefineCommand = (parser, context) => {
  parser.command(
    'diff <a> <b>',
    'compare two runs: leaks that began or stopped, settings that changed',
    (options) =>
      options
        .positional('a', { type: 'string', demandOption: true, describe: 'evidence folder of the earlier run' })
        .positional('b', { type: 'string', demandOption: true, describe: 'evidence folder of the later run' })
        .option('json', { type: 'boolean', default: false, describe: 'print the comparison as JSON' }),
    async (args) => {
      const { diffCommand } = await import('./diff.js');
      context.setStatus(await diffCommand(args.a, args.b, args.json));
    },
  );
};
