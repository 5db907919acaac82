import { command, commonOptions, flagArgument, textArgument, textsArgument } from '../../command.js';

export const defineListen = command(
  'listen',
  'who reads here: programs of the host, and what guests of a bridge overhear now; sends nothing',
  (parser) =>
    parser.options({
      for: { ...textArgument('how long to listen (default 60s)'), default: '60s' },
      bridge: textArgument('which bridge, where there are several'),
      port: textsArgument('report on this port alone; all are listened to'),
      netns: textArgument('network namespace of the bridge: a name of ip netns, or a path'),
      out: textArgument('folder to keep a capture of each port in; else none is kept'),
      payload: flagArgument('capture what guests say to each other whole, not its headers alone'),
      engine: commonOptions.engine,
      quiet: flagArgument('no progress'),
      json: flagArgument('print the report as JSON and nothing else'),
    } as const),
  async (args, toolVersion) => (await import('./listen.js')).listenCommand({ ...args, toolVersion }),
);
