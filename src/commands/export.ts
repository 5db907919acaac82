import type { DefineCommand } from './command.js';

/** `export DIR -o FILE`: the capture of a run, or a part of it, for Wireshark. */
export const defineExport: DefineCommand = (parser) => {
  parser.command(
    'export <dir>',
    'write the capture of a run for Wireshark',
    (options) => options
      .positional('dir', { type: 'string', demandOption: true, describe: 'evidence folder' })
      .option('output', { alias: 'o', type: 'string', requiresArg: true, demandOption: true, describe: 'file to write: .pcapng or .pcap' })
      .option('only', { choices: ['leaks'] as const, describe: 'leaks alone' })
      .option('observer', { type: 'string', requiresArg: true, describe: 'what one observer saw' }),
    async (args) => {
      const { exportCapture } = await import('../evidence/export.js');
      await exportCapture(args.dir, args.output, { only: args.only ?? null, observer: args.observer ?? null });
      process.stderr.write(`wrote ${JSON.stringify(args.output)}\n`);
    },
  );
};
