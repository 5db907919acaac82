import type { DefineCommand } from '../cli/command.js';

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
      const { diffCommand } = await import('../cli/commands/evidence/diff.js');
      context.setStatus(await diffCommand(args.a, args.b, args.json));
    },
  );
};
