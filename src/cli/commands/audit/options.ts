import type { DefineCommand } from '../../command.js';

/** `audit`: the settings that decide isolation, and what is wrong with them; sends nothing unless it is to prove it. */
export const defineAudit: DefineCommand = (parser, context) => {
  parser.command(
    'audit',
    'read every setting that decides isolation; sends nothing, unless --prove',
    (options) =>
      options
        .option('bridge', { type: 'string', requiresArg: true, describe: 'this bridge only' })
        .option('netns', {
          type: 'string',
          requiresArg: true,
          describe: 'network namespace of the bridges: a name of ip netns, or a path',
        })
        .option('json', { type: 'boolean', default: false, describe: 'print the findings as JSON and nothing else' })
        .option('verbose', {
          type: 'boolean',
          default: false,
          describe: 'every finding with its fixes and how they come to stay, in as many lines as it takes',
        })
        .option('all', {
          type: 'boolean',
          default: false,
          describe: 'all that --verbose prints, what is low or for information, and every setting',
        })
        .option('fail-on', {
          choices: ['info', 'low', 'medium', 'high'] as const,
          default: 'high' as const,
          describe: 'lowest severity that ends with status 2: info, low, medium or high (default)',
        })
        .option('prove', {
          type: 'boolean',
          default: false,
          describe: 'send what the audit predicts something about, on this host, and hold both against each other',
        })
        .option('out', { type: 'string', requiresArg: true, describe: '--prove: folder for the evidence' })
        .option('yes', { type: 'boolean', default: false, describe: '--prove: do not ask before sending' })
        .option('quiet', { type: 'boolean', default: false, describe: '--prove: no progress' })
        .option('allow-disruptive', {
          type: 'boolean',
          default: false,
          describe: '--prove: also what disturbs guests (thefts of MACs, floods)',
        }),
    async (args) => {
      const { auditCommand } = await import('./audit.js');
      context.setStatus(await auditCommand({ ...args, toolVersion: context.version }));
    },
  );
};
