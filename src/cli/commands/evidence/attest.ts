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
          describe: 'name of the signer, for the custody log',
        }),
    async (args) => {
      const [{ mustBeWhole }, { attestFolder }, { inEvidenceFolder }] = await Promise.all([
        import('../../../system/evidence/check-folder.js'),
        import('../../../system/evidence/folder/signature.js'),
        import('../../../system/evidence/folder/own-folder.js'),
      ]);
      await inEvidenceFolder(args.dir, async (dir) => {
        await mustBeWhole(dir);
        process.stderr.write(`signed ${await attestFolder(dir, args.key, args.as)}\n`);
      });
    },
  );
};
