import type { DefineCommand } from './command.js';

/** `init`: a ready scenario of what runs on a bridge here. */
export const defineInit: DefineCommand = (parser) => {
  parser.command(
    'init',
    'print a scenario of the bridge and the guests that run here',
    (options) => options.option('bridge', { type: 'string', requiresArg: true, describe: 'the bridge, where there are several' }),
    async (args) => {
      const { initCommand } = await import('./init-command.js');
      await initCommand(args.bridge);
    },
  );
};
