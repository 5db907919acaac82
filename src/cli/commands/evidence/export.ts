import type { DefineCommand } from '../../command.js';
import { counted } from '../../../core/text/escape.js';

/** `export DIR -o FILE`: the capture of a run, or a part of it, for Wireshark. */
export const defineExport: DefineCommand = (parser) => {
  parser.command(
    'export <dir>',
    'write the capture of a run for Wireshark',
    (options) =>
      options
        .positional('dir', { type: 'string', demandOption: true, describe: 'evidence folder' })
        .option('output', {
          alias: 'o',
          type: 'string',
          requiresArg: true,
          demandOption: true,
          describe: 'file to write: .pcapng or .pcap',
        })
        .option('only', { choices: ['leaks'] as const, describe: 'leaks alone' })
        .option('observer', { type: 'string', requiresArg: true, describe: 'frames that one observer saw' })
        .option('step', { type: 'string', requiresArg: true, describe: 'one step, by its number or its name' })
        .option('probe', {
          type: 'string',
          requiresArg: true,
          describe: 'ID or FIRST-LAST: frames of these packet ids',
        })
        .option('from', {
          type: 'string',
          requiresArg: true,
          describe: 'no frame before this time, as in 2026-11-24T17:43:56.391807Z',
        })
        .option('until', { type: 'string', requiresArg: true, describe: 'no frame after this time' })
        .option('snap', { choices: ['headers'] as const, describe: 'cut payload: headers and tokens stay' })
        .option('controls', {
          type: 'boolean',
          default: false,
          describe: 'a .pcap keeps the controls, though it cannot say which frames they are',
        }),
    async (args) => {
      const [{ exportCapture }, { readProbes, readTimeNs }] = await Promise.all([
        import('../../../system/evidence/export.js'),
        import('./export-filters.js'),
      ]);
      const { controlsLeftOut } = await exportCapture(args.dir, args.output, {
        only: args.only ?? null,
        observer: args.observer ?? null,
        step: args.step ?? null,
        probes: readProbes(args.probe),
        fromNs: readTimeNs('--from', args.from),
        untilNs: readTimeNs('--until', args.until),
        snap: args.snap ?? null,
        controls: args.controls,
      });
      const without =
        controlsLeftOut === 0
          ? ''
          : ` without ${counted(controlsLeftOut, 'control')}, which a .pcap cannot distinguish from other frames (--controls keeps them)`;
      process.stderr.write(`wrote ${JSON.stringify(args.output)}${without}\n`);
    },
  );
};
