import type { DefineCommand } from '../cli/command.js';

/** `cleanup`: what killed runs have left on this host is put back. */
export const defineCleanup: DefineCommand = (parser, context) => {
  parser.command('cleanup', 'put back what a killed run has left on this host', {}, async () => {
    const { cleanupCommand } = await import('../cli/commands/host/cleanup.js');
    context.setStatus(await cleanupCommand());
  });
};
