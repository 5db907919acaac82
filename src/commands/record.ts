import type { DefineCommand } from '../cli/command.js';

/** `record FILE --into DIR`: runs a scenario and keeps it as a test case that `replay` judges again. */
export const defineRecord: DefineCommand = (parser, context) => {
  parser.command(
    'record <file>',
    'run a scenario and keep its capture as a test case',
    (options) =>
      options
        .positional('file', { type: 'string', demandOption: true, describe: 'scenario file' })
        .option('into', {
          type: 'string',
          requiresArg: true,
          demandOption: true,
          describe: 'folder for the case: new or empty',
        })
        .option('engine', {
          choices: ['auto', 'libpcap', 'cap'] as const,
          default: 'auto' as const,
          describe: 'how to capture',
        })
        .option('quiet', { type: 'boolean', default: false, describe: 'no progress' }),
    async (args) => {
      const { recordCommand } = await import('./record-command.js');
      context.setStatus(await recordCommand({ ...args, toolVersion: context.version }));
    },
  );
};
