import { command, flagArgument, textArgument } from '../../command.js';

export const defineAudit = command(
  'audit',
  'read every setting that decides isolation; sends nothing',
  (parser) =>
    parser.options({
      bridge: textArgument('this bridge only'),
      netns: textArgument('network namespace of the bridges: a name of ip netns, or a path'),
      json: flagArgument('print the findings as JSON and nothing else'),
      verbose: flagArgument('every finding with its fixes and how they come to stay, in as many lines as it takes'),
      all: flagArgument('all that --verbose prints, what is low or for information, and every setting'),
      'fail-on': {
        choices: ['info', 'low', 'medium', 'high'],
        default: 'high',
        describe: 'lowest severity that ends with status 2: info, low, medium or high (default)',
      },
    } as const),
  async (args) => (await import('./audit.js')).auditCommand(args),
);
