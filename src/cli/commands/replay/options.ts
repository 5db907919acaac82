import { usageError } from '../../../core/model/verify-error.js';
import { command, commonOptions, flagArgument, operands, textArgument, textsArgument } from '../../command.js';
import { reporterHelp } from '../../help.js';

/** Judges evidence folders or foreign captures. Needs no rights or network. */
export const defineReplay = command(
  'replay [path..]',
  'judge the evidence of runs again, or captures that others recorded',
  (parser) =>
    parser.positional('path', operands('evidence folders; with --mac, captures (pcap, pcapng, gzip or not)')).options({
      mac: textsArgument('the MAC that listened: what in the captures was not meant for it?'),
      scenario: textArgument('the scenario that names the observer; needs --observer'),
      observer: textsArgument('NAME=FILE: the capture of one endpoint of the scenario'),
      'second-reader': flagArgument('read classic captures with pcap-parser too, and say where the two readers differ'),
      wide: commonOptions.wide,
      verbose: flagArgument('print all that is known, not the answer alone'),
      json: commonOptions.json,
      reporter: textsArgument(reporterHelp),
    }),
  async (args) => {
    if (args.mac.length > 0 || args.scenario !== undefined || args.observer.length > 0) {
      const { replayForeign } = await import('./replay-foreign.js');
      return replayForeign({ ...args, files: args.path, macs: args.mac, observers: args.observer });
    }
    if (args.secondReader)
      throw usageError(
        '--second-reader is for captures of others: a run writes pcapng, which one reader alone knows',
        'give captures and --mac, or --scenario and --observer',
      );
    return (await import('./replay.js')).replayCommand(args.path, args);
  },
);
