import { VerifyError } from '../../../core/model/verify-error.js';

/** By whom a folder has to be signed. */
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
  identity: { type: 'string', requiresArg: true, describe: 'who has to have signed' },
  'require-signature': { type: 'boolean', default: false, describe: 'what is not signed is not whole' },
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
      'name the file of keys, and who in it has to have signed',
    );
  return { signers: file === undefined || identity === undefined ? null : { file, identity }, required };
}
