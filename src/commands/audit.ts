import type { DefineCommand } from './command.js';

/** `audit`: the settings that decide isolation, and what is wrong with them; sends nothing. */
export const defineAudit: DefineCommand = (parser, context) => {
  parser.command(
    'audit',
    'read every setting that decides isolation; sends nothing',
    (options) => options
      .option('bridge', { type: 'string', requiresArg: true, describe: 'this bridge only' })
      .option('netns', { type: 'string', requiresArg: true, describe: 'network namespace of the bridges: a name of ip netns, or a path' })
      .option('json', { type: 'boolean', default: false, describe: 'print the findings as JSON and nothing else' })
      .option('all', { type: 'boolean', default: false, describe: 'also what is low or for information, and every setting' })
      .option('fail-on', { choices: ['info', 'low', 'medium', 'high'] as const, default: 'high' as const, describe: 'least severity for exit status 2' }),
    async (args) => {
      const { auditCommand } = await import('./audit-command.js');
      context.setStatus(await auditCommand(args));
    },
  );
};
