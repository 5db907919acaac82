import { VerifyError } from '../../../core/model/verify-error.js';
import { jsonText } from '../../../core/text/json-text.js';
import type { DefineCommand } from '../../command.js';

const marks = { true: 'ok', false: 'WRONG', null: '–' } as const;

/**
 * `check DIR`: hashes, key, result, custody and signature of a run's folder in one go. Exit status 3 where anything is
 * not right.
 */
export const defineCheck: DefineCommand = (parser, context) => {
  parser.command(
    'check <dir>',
    'check that the evidence of a run is whole, and judge it again',
    (options) =>
      options
        .positional('dir', { type: 'string', demandOption: true, describe: 'evidence folder' })
        .option('allowed-signers', {
          type: 'string',
          requiresArg: true,
          describe: "OpenSSH's file of keys that may sign; needs --identity",
        })
        .option('identity', { type: 'string', requiresArg: true, describe: 'who has to have signed' })
        .option('json', { type: 'boolean', default: false, describe: 'print the checks as JSON' }),
    async (args) => {
      const { allowedSigners: file, identity } = args;
      if ((file === undefined) !== (identity === undefined))
        throw new VerifyError(
          'usage',
          64,
          '--allowed-signers and --identity go together',
          'name the file of keys, and who in it has to have signed',
        );
      const signers = file === undefined || identity === undefined ? null : { file, identity };
      const [{ checkFolder }, { escapeText }] = await Promise.all([
        import('../../../system/evidence/check-folder.js'),
        import('../../../core/text/escape.js'),
      ]);
      const { checks, result, rootHash } = await checkFolder(args.dir, signers);
      // Who asks for a signer wants a signature.
      const wrong = checks.some(
        ({ name, ok }) => ok === false || (ok === null && name === 'signature' && signers !== null),
      );
      process.stdout.write(
        args.json
          ? `${jsonText({ schemaVersion: 1, whole: !wrong, verdict: result.verdict, rootHash, checks }, 2)}\n`
          : [
              ...checks.map(({ name, ok, text }) => `${marks[`${ok}`].padEnd(6)}${name.padEnd(10)}${escapeText(text)}`),
              `${wrong ? 'NOT WHOLE' : 'WHOLE'}; verdict ${result.verdict}; root hash ${rootHash ?? 'none'}`,
              '',
            ].join('\n'),
      );
      context.setStatus(wrong ? 3 : 0);
    },
  );
};
