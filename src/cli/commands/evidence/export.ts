import { usageError } from '../../../core/model/verify-error.js';
import { command, flagArgument, operand, textArgument } from '../../command.js';
import { counted } from '../../../core/text/escape.js';

export const defineExport = command(
  'export <dir>',
  'write the capture of a run for Wireshark',
  (parser) =>
    parser.positional('dir', operand('evidence folder')).options({
      output: { alias: 'o', ...textArgument('file to write: .pcapng or .pcap; - for stdout'), demandOption: true },
      only: { choices: ['leaks'], describe: 'leaks alone' },
      observer: textArgument('frames that one observer saw'),
      step: textArgument('one step, by its number or its name'),
      probe: textArgument('ID or FIRST-LAST: frames of these packet ids'),
      from: textArgument('no frame before this time, as in 2026-11-24T17:43:56.391807Z'),
      until: textArgument('no frame after this time'),
      snap: { choices: ['headers'], describe: 'cut payload: headers and tokens stay' },
      controls: flagArgument('a .pcap keeps the controls, though it cannot say which frames they are'),
    } as const),
  async (args) => {
    if (args.output === '-' && process.stdout.isTTY)
      throw usageError('-o -: stdout is a terminal', 'pipe it: … -o - | wireshark -k -i -');
    const [{ exportCapture }, { readProbes, readTimeNs }] = await Promise.all([
      import('../../../system/evidence/export.js'),
      import('./export-filters.js'),
    ]);
    const [fromNs, untilNs] = [readTimeNs('--from', args.from), readTimeNs('--until', args.until)];
    if (fromNs !== null && untilNs !== null && fromNs > untilNs)
      throw usageError('--from is later than --until', 'no frame is between them; give the earlier time to --from');
    const { frames, controlsLeftOut } = await exportCapture(args.dir, args.output, {
      only: args.only ?? null,
      observer: args.observer ?? null,
      step: args.step ?? null,
      probes: readProbes(args.probe),
      fromNs,
      untilNs,
      snap: args.snap ?? null,
      controls: args.controls,
    });
    const without =
      controlsLeftOut === 0
        ? ''
        : ` without ${counted(controlsLeftOut, 'control')}, which a .pcap cannot distinguish from other frames (--controls keeps them)`;
    process.stderr.write(
      `wrote ${counted(frames, 'frame')} to ${args.output === '-' ? 'stdout' : JSON.stringify(args.output)}${without}\n`,
    );
  },
);
