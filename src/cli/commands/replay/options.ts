import { VerifyError } from '../../../core/model/verify-error.js';
import { commonOptions, type DefineCommand, flagArgument, textArgument, textsArgument } from '../../command.js';
import { reporterHelp } from '../../help.js';

/**
 * `replay DIR…`: judges evidence again; `replay FILE… --mac MAC` and `replay --scenario … --observer …`: what captures
 * of others overheard. No rights, no network.
 */
export const defineReplay: DefineCommand = (parser, context) => {
  parser.command(
    'replay [path..]',
    'judge the evidence of runs again, or captures that others recorded',
    (options) =>
      options
        .positional('path', {
          type: 'string',
          array: true,
          default: [],
          describe: 'evidence folders; with --mac, captures (pcap, pcapng, gzip or not)',
        })
        .options({
          mac: textsArgument('the MAC that listened: what in the captures was not meant for it?'),
          scenario: textArgument('the scenario that names the observer; needs --observer'),
          observer: textsArgument('NAME=FILE: the capture of one endpoint of the scenario'),
          'second-reader': flagArgument(
            'read classic captures with pcap-parser too, and say where the two readers differ',
          ),
          picture: commonOptions.picture,
          wide: commonOptions.wide,
          verbose: flagArgument('print all that is known, not the answer alone'),
          json: commonOptions.json,
          reporter: textsArgument(reporterHelp),
        } as const),
    async (args) => {
      if (args.mac.length > 0 || args.scenario !== undefined || args.observer.length > 0) {
        const { replayForeign } = await import('./replay-foreign.js');
        context.setStatus(
          await replayForeign({
            files: args.path,
            macs: args.mac,
            scenario: args.scenario,
            observers: args.observer,
            json: args.json,
            reporter: args.reporter,
            secondReader: args.secondReader,
          }),
        );
        return;
      }
      if (args.secondReader)
        throw new VerifyError(
          'usage',
          64,
          '--second-reader is for captures of others: a run writes pcapng, which one reader alone knows',
          'give captures and --mac, or --scenario and --observer',
        );
      const { replayCommand } = await import('./replay.js');
      context.setStatus(await replayCommand(args.path, args));
    },
  );
};
