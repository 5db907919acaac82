import { command, flagArgument, textArgument } from '../../command.js';

export const defineWatch = command(
  'watch',
  'report within a second when a setting that decides isolation changes; sends nothing',
  (parser) =>
    parser.options({
      bridge: textArgument('this bridge only'),
      netns: textArgument('network namespace of the bridges: a name of ip netns, or a path'),
      baseline: textArgument('the wanted state: a file that --learn wrote; without it, the state at the start'),
      learn: textArgument('write what is there now to a file, and end'),
      json: flagArgument('one JSON object a line'),
      textfile: textArgument('metrics for the textfile collector of node_exporter: written whole, then renamed'),
      reprobe: textArgument('run this scenario after a drift of high severity'),
      exec: textArgument('start this program at a change, without a shell: each change is a line of JSON on its stdin'),
    }),
  async (args) => (await import('./watch.js')).watchCommand(args),
);
