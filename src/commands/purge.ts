import type { DefineCommand } from './command.js';

/** `purge DIR`: removes payload from the evidence for good; headers and tokens stay, and with them the verdict. */
export const definePurge: DefineCommand = (parser) => {
  parser.command(
    'purge <dir>',
    'remove all payload from the evidence of a run, for good; headers and tokens stay',
    (options) => options.positional('dir', { type: 'string', demandOption: true, describe: 'evidence folder' }),
    async (args) => {
      const { purgeFolder } = await import('../evidence/purge.js');
      const removed = await purgeFolder(args.dir, new Date().toISOString());
      process.stderr.write(`removed ${removed} octets of payload; custody.ndjson says so\n`);
    },
  );
};
