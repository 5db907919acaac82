import { command, flagArgument, operand, textArgument } from '../../command.js';
import { signatureOptions } from '../evidence/options.js';

export const defineFleet = command(
  'fleet <dir..>',
  'judge the runs of many hosts again and put them into one report and one exit status',
  (parser) =>
    parser
      .positional('dir', {
        ...operand("folders that hold one for each host, or summaries; hosts' folders, or evidence folders"),
        array: true,
      })
      .options({
        ...signatureOptions,
        'allowed-signers': textArgument("OpenSSH's file of keys that may sign; the name of a host is its signer"),
        identity: textArgument('with --allowed-signers: another name of the signer'),
        since: textArgument('an earlier report (--json): list what changed'),
        'max-age': { ...textArgument('older summaries are no answer (default 48h)'), default: '48h' },
        'as-hosts': { type: 'boolean', default: false, hidden: true },
        json: flagArgument('print the report as JSON and nothing else'),
        quiet: flagArgument('no progress'),
        reporter: {
          ...textArgument('terminal, json, markdown or html, with =PATH into a file'),
          array: true,
          default: [],
        },
      } as const),
  async (args) => {
    const { fleetCommand } = await import('./fleet.js');
    const signature = {
      file: args.allowedSigners ?? null,
      identity: args.identity ?? null,
      required: args.requireSignature,
    };
    return fleetCommand({ ...args, dirs: args.dir, signature });
  },
);
