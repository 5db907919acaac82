import type { DefineCommand } from '../cli/command.js';

/** `init`: a ready scenario of what runs on a bridge here. */
export const defineInit: DefineCommand = (parser) => {
  parser.command(
    'init',
    'print a scenario of the bridge and the guests that run here',
    (options) =>
      options
        .option('bridge', { type: 'string', requiresArg: true, describe: 'the bridge, where there are several' })
        .option('netns', {
          type: 'string',
          requiresArg: true,
          describe: 'the network namespace of the bridge: a name of ip netns, or a path such as /proc/4711/ns/net',
        }),
    async (args) => {
      const { initCommand } = await import('../cli/commands/host/init.js');
      await initCommand(args);
    },
  );
};
