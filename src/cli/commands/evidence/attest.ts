import { command, operand, textArgument } from '../../command.js';

/** Signs complete evidence with OpenSSH. */
export const defineAttest = command(
  'attest <dir>',
  'sign the evidence of a run with an OpenSSH key',
  (parser) =>
    parser.positional('dir', operand('evidence folder')).options({
      key: { ...textArgument('private key, or public key of one in the agent'), demandOption: true },
      as: { ...textArgument('name of the signer, for the custody log'), default: 'operator' },
    } as const),
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
