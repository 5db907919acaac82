import { commonOptions, type DefineCommand } from '../../command.js';

/** `listen --for 60s`: what do the guests of a bridge overhear of each other now? Nothing is sent. */
export const defineListen: DefineCommand = (parser, context) => {
  parser.command(
    'listen',
    'who reads here: programs of the host, and what guests of a bridge overhear now; sends nothing',
    (options) =>
      options
        .option('for', {
          type: 'string',
          requiresArg: true,
          default: '60s',
          describe: 'how long to listen (default 60s)',
        })
        .option('bridge', { type: 'string', requiresArg: true, describe: 'which bridge, where there are several' })
        .option('port', {
          type: 'string',
          array: true,
          requiresArg: true,
          nargs: 1,
          default: [],
          describe: 'report on this port alone; all are listened to',
        })
        .option('netns', {
          type: 'string',
          requiresArg: true,
          describe: 'network namespace of the bridge: a name of ip netns, or a path',
        })
        .option('out', {
          type: 'string',
          requiresArg: true,
          describe: 'folder to keep a capture of each port in; else none is kept',
        })
        .option('payload', {
          type: 'boolean',
          default: false,
          describe: 'capture what guests say to each other whole, not its headers alone',
        })
        .option('engine', commonOptions.engine)
        .option('quiet', { type: 'boolean', default: false, describe: 'no progress' })
        .option('json', { type: 'boolean', default: false, describe: 'print the report as JSON and nothing else' }),
    async (args) => {
      const { listenCommand } = await import('./listen.js');
      context.setStatus(await listenCommand({ ...args, toolVersion: context.version }));
    },
  );
};
