import { VerifyError } from '../../../core/model/verify-error.js';
import type { DefineCommand } from '../../command.js';
import { reporterNames } from '../../../report/reporters.js';

/** `report DIR --format NAME`: another view of a run's evidence. */
export const defineReport: DefineCommand = (parser, context) => {
  parser.command(
    'report <dir..>',
    'write a report of runs in another form',
    (options) =>
      options
        .positional('dir', { type: 'string', array: true, demandOption: true, describe: 'evidence folders' })
        .option('format', { choices: reporterNames, demandOption: true, describe: 'form of the report' })
        .option('output', {
          alias: 'o',
          type: 'string',
          requiresArg: true,
          describe: 'file to write; stdout without it',
        })
        .option('picture', {
          type: 'boolean',
          default: false,
          describe: 'with --format terminal: a picture before the answer',
        }),
    async (args) => {
      const { reportCommand } = await import('./report.js');
      context.setStatus(await reportCommand(args.dir, args.format, args.output ?? null, args.picture));
    },
  );
};

/** `diff A B`: what began to leak between two runs, what stopped, which setting changed. */
export const defineDiff: DefineCommand = (parser, context) => {
  parser.command(
    'diff <a> <b>',
    'compare two runs: leaks that began or stopped, settings that changed',
    (options) =>
      options
        .positional('a', { type: 'string', demandOption: true, describe: 'evidence folder of the earlier run' })
        .positional('b', { type: 'string', demandOption: true, describe: 'evidence folder of the later run' })
        .option('json', { type: 'boolean', default: false, describe: 'print the comparison as JSON' }),
    async (args) => {
      const { diffCommand } = await import('./diff.js');
      context.setStatus(await diffCommand(args.a, args.b, args.json));
    },
  );
};

/** `history DIR`: what began to leak from run to run of a folder, what stopped, and since when. */
export const defineHistory: DefineCommand = (parser, context) => {
  parser.command(
    'history <dir>',
    'compare all runs in a folder: leaks that began or stopped, and since when',
    (options) =>
      options
        .positional('dir', { type: 'string', demandOption: true, describe: 'folder with evidence folders in it' })
        .option('json', { type: 'boolean', default: false, describe: 'print the comparison as JSON' }),
    async (args) => {
      const { historyCommand } = await import('./history.js');
      context.setStatus(await historyCommand(args.dir, args.json));
    },
  );
};

/** By which signer a folder has to be signed. */
export interface WantedSignature {
  /** OpenSSH's file of keys that may sign, and who of them has to; null = any key will do. */
  readonly signers: { readonly file: string; readonly identity: string } | null;
  /** A folder without a signature is not whole. */
  readonly required: boolean;
}

/** The options of `check` and `fleet` for it. */
export const signatureOptions = {
  'allowed-signers': {
    type: 'string',
    requiresArg: true,
    describe: "OpenSSH's file of keys that may sign; needs --identity",
  },
  identity: { type: 'string', requiresArg: true, describe: 'name the signer that is required' },
  'require-signature': { type: 'boolean', default: false, describe: 'an unsigned folder is not whole' },
} as const;

/** What these options say. Throws VerifyError (64) where one is there without the other. */
export function wantedSignature(options: {
  readonly allowedSigners?: string | undefined;
  readonly identity?: string | undefined;
  readonly requireSignature: boolean;
}): WantedSignature {
  const { allowedSigners: file, identity, requireSignature: required } = options;
  if ((file === undefined) !== (identity === undefined))
    throw new VerifyError(
      'usage',
      64,
      '--allowed-signers and --identity go together',
      'name the file of keys, and the signer in it that is required',
    );
  return { signers: file === undefined || identity === undefined ? null : { file, identity }, required };
}
