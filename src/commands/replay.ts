import type { DefineCommand } from './command.js';

/** `replay DIR…`: judges evidence again, without rights and without a network. */
export const defineReplay: DefineCommand = (parser, context) => {
  parser.command(
    'replay <dir..>',
    'judge the evidence of runs again',
    (options) => options
      .positional('dir', { type: 'string', array: true, demandOption: true, describe: 'evidence folders' })
      .option('json', { type: 'boolean', default: false, describe: 'print the result as JSON and nothing else' })
      .option('reporter', { type: 'string', array: true, requiresArg: true, nargs: 1, default: [], describe: 'NAME or NAME=PATH: terminal, json, junit' }),
    async (args) => {
      const { replayCommand } = await import('./replay-command.js');
      context.setStatus(await replayCommand(args.dir, args));
    },
  );
};
