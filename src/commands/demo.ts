import type { DefineCommand } from '../cli/command.js';

/** `demo`: the experiment that the project is named after; `--deafen` shows that a lost ear is noticed. */
export const defineDemo: DefineCommand = (parser, context) => {
  parser.command(
    'demo',
    'run the experiment that this project is named after',
    (options) =>
      options
        .option('deafen', {
          type: 'string',
          requiresArg: true,
          describe: 'kill the ear of this observer in the middle: the verdict has to become INCONCLUSIVE',
        })
        .option('out', { type: 'string', requiresArg: true, describe: 'folder for the evidence' })
        .option('json', { type: 'boolean', default: false, describe: 'print the result as JSON and nothing else' })
        .option('quiet', { type: 'boolean', default: false, describe: 'no progress' })
        .option('engine', {
          choices: ['auto', 'libpcap', 'cap'] as const,
          default: 'auto' as const,
          describe: 'how to capture',
        }),
    async (args) => {
      const { demoCommand } = await import('../cli/commands/run/demo.js');
      context.setStatus(await demoCommand({ ...args, toolVersion: context.version }));
    },
  );
};
