import type { DefineCommand } from '../../command.js';
import { signatureOptions, wantedSignature } from '../evidence/options.js';

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
          describe: "folders that hold one for each host, hosts' folders, or evidence folders",
        })
        .options(signatureOptions)
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
      const signature = wantedSignature(args);
      const { fleetCommand } = await import('./fleet.js');
      context.setStatus(await fleetCommand({ ...args, dirs: args.dir, signature }));
    },
  );
};
