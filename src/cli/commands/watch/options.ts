import type { DefineCommand } from '../../command.js';

/** `watch`: reports as soon as something that decides isolation is no longer as it was. */
export const defineWatch: DefineCommand = (parser, context) => {
  parser.command(
    'watch',
    'report within a second when a setting that decides isolation changes; sends nothing',
    (options) =>
      options
        .option('bridge', { type: 'string', requiresArg: true, describe: 'this bridge only' })
        .option('netns', {
          type: 'string',
          requiresArg: true,
          describe: 'network namespace of the bridges: a name of ip netns, or a path',
        })
        .option('baseline', {
          type: 'string',
          requiresArg: true,
          describe: 'the wanted state: a file that --learn wrote; without it, the state at the start',
        })
        .option('learn', { type: 'string', requiresArg: true, describe: 'write what is there now to a file, and end' })
        .option('json', { type: 'boolean', default: false, describe: 'one JSON object a line' })
        .option('textfile', {
          type: 'string',
          requiresArg: true,
          describe: 'metrics for the textfile collector of node_exporter: written whole, then renamed',
        })
        .option('reprobe', {
          type: 'string',
          requiresArg: true,
          describe: 'run this scenario after a drift of high severity',
        })
        .option('exec', {
          type: 'string',
          requiresArg: true,
          describe: 'start this program at a change, without a shell: each change is a line of JSON on its stdin',
        }),
    async (args) => {
      const { watchCommand } = await import('./watch.js');
      context.setStatus(await watchCommand(args));
    },
  );
};
