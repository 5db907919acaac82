import { type DefineCommand, textArgument } from '../../command.js';
import { signatureOptions } from '../evidence/options.js';

/** `fleet DIR…`: the runs of many hosts in one report. */
export const defineFleet: DefineCommand = (parser, context) => {
  parser.command(
    'fleet <dir..>',
    'judge the runs of many hosts again and put them into one report and one exit status',
    (options) =>
      options
        .positional('dir', {
          type: 'string',
          array: true,
          demandOption: true,
          describe: "folders that hold one for each host, or summaries; hosts' folders, or evidence folders",
        })
        .options({
          ...signatureOptions,
          'allowed-signers': textArgument("OpenSSH's file of keys that may sign; the name of a host is its signer"),
          identity: textArgument('with --allowed-signers: another name of the signer'),
          since: textArgument('an earlier report (--json): list what changed'),
          'max-age': { ...textArgument('older summaries are no answer (default 48h)'), default: '48h' },
          'as-hosts': { type: 'boolean', default: false, hidden: true },
        } as const)
        .option('json', { type: 'boolean', default: false, describe: 'print the report as JSON and nothing else' })
        .option('quiet', { type: 'boolean', default: false, describe: 'no progress' })
        .option('reporter', {
          type: 'string',
          array: true,
          default: [],
          requiresArg: true,
          describe: 'terminal, json, markdown or html, with =PATH into a file',
        }),
    async (args) => {
      const { fleetCommand } = await import('./fleet.js');
      const signature = {
        file: args.allowedSigners ?? null,
        identity: args.identity ?? null,
        required: args.requireSignature,
      };
      context.setStatus(await fleetCommand({ ...args, dirs: args.dir, signature }));
    },
  );
};
