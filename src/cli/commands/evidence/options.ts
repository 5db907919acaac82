import { usageError } from '../../../core/model/verify-error.js';
import { reporterNames } from '../../../report/reporters.js';
import { command, commonOptions, flagArgument, operand, textArgument } from '../../command.js';

export const defineReport = command(
  'report <dir..>',
  'print runs again, of several a line each, or write a report in another form',
  (parser) =>
    parser.positional('dir', { ...operand('evidence folders'), array: true }).options({
      format: {
        choices: reporterNames,
        describe: `form of the report: ${reporterNames.join(', ')}; without it the status is that of the runs`,
      },
      output: commonOptions.output,
    } as const),
  async ({ dir, format, output }) => (await import('./report.js')).reportCommand(dir, format, output ?? null),
);

export const defineDiff = command(
  'diff <a> <b>',
  'compare two runs: leaks that began or stopped, settings that changed',
  (parser) =>
    parser
      .positional('a', operand('evidence folder of the earlier run'))
      .positional('b', operand('evidence folder of the later run'))
      .option('json', flagArgument('print the comparison as JSON')),
  async ({ a, b, json }) => (await import('./diff.js')).diffCommand(a, b, json),
);

/** The required signer. */
export interface WantedSignature {
  /** OpenSSH's allowed signers and the required identity; null = any key. */
  readonly signers: { readonly file: string; readonly identity: string } | null;
  readonly required: boolean;
}

/** Options of `check`. */
export const signatureOptions = {
  'allowed-signers': textArgument("OpenSSH's file of keys that may sign; needs --identity"),
  identity: textArgument('name the signer that is required'),
  'require-signature': flagArgument('an unsigned folder is not whole'),
} as const;

/** VerifyError (64) if one option lacks the other. */
export function wantedSignature(options: {
  readonly allowedSigners?: string | undefined;
  readonly identity?: string | undefined;
  readonly requireSignature: boolean;
}): WantedSignature {
  const { allowedSigners: file, identity, requireSignature: required } = options;
  if ((file === undefined) !== (identity === undefined))
    throw usageError(
      '--allowed-signers and --identity go together',
      'name the file of keys, and the signer in it that is required',
    );
  return { signers: file === undefined || identity === undefined ? null : { file, identity }, required };
}
