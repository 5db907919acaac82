import type { DefineCommand } from '../cli/command.js';

/** `plan FILE`: what a run would do, without doing any of it. */
export const definePlan: DefineCommand = (parser) => {
  parser.command(
    'plan <file>',
    'print what a run would do; needs no rights',
    (options) =>
      options
        .positional('file', { type: 'string', demandOption: true, describe: 'scenario file' })
        .option('set', {
          type: 'string',
          array: true,
          requiresArg: true,
          nargs: 1,
          default: [],
          describe: 'NAME=VALUE: a value for a variable of the scenario',
        })
        .option('json', { type: 'boolean', default: false, describe: 'print the plan as JSON' })
        .option('hash', { type: 'boolean', default: false, describe: 'print the SHA-256 that run --approved takes' }),
    async (args) => {
      const { planCommand } = await import('../cli/commands/scenario/plan.js');
      await planCommand(args.file, args);
    },
  );
};
