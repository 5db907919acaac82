import type { DefineCommand } from '../../command.js';

/** `attest DIR --key KEY`: signs the evidence with the operator's own OpenSSH key, after checking that it is whole. */
export const defineAttest: DefineCommand = (parser) => {
  parser.command(
    'attest <dir>',
    'sign the evidence of a run with an OpenSSH key',
    (options) =>
      options
        .positional('dir', { type: 'string', demandOption: true, describe: 'evidence folder' })
        .option('key', {
          type: 'string',
          requiresArg: true,
          demandOption: true,
          describe: 'private key, or public key of one in the agent',
        })
        .option('as', {
          type: 'string',
          requiresArg: true,
          default: 'operator',
          describe: 'who signs, for the custody log',
        }),
    async (args) => {
      const [{ mustBeWhole }, { signFolder }, { logCustody, rootHash }] = await Promise.all([
        import('../../../system/evidence/check-folder.js'),
        import('../../../system/evidence/folder/signature.js'),
        import('../../../system/evidence/folder/custody.js'),
      ]);
      await mustBeWhole(args.dir);
      const before = await rootHash(args.dir);
      await signFolder(args.dir, args.key);
      await logCustody(args.dir, { action: 'attested', before, text: `signed by ${args.as} with ${args.key}` });
      process.stderr.write(`signed ${before}\n`);
    },
  );
};
