import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VerifyError } from '../../../core/model/verify-error.js';
import { runProgram } from '../../process/programs.js';
import { files } from './folder.js';

/** OpenSSH's signature namespace (PROTOCOL.sshsig): a signature for another purpose is none here. */
const namespace = 'verify-isolation';

/**
 * Signs SHA256SUMS, and so every file that it names, with an OpenSSH key: SHA256SUMS.sig. VerifyError 64 where the key
 * does not sign.
 */
export async function signFolder(dir: string, key: string): Promise<void> {
  await rm(join(dir, files.signature), { force: true });
  const { status, stderr } = await runProgram(
    ['ssh-keygen', '-q', '-Y', 'sign', '-f', key, '-n', namespace, join(dir, files.sums)],
    { timeoutMs: 120_000 },
  );
  if (status !== 0)
    throw new VerifyError(
      'not-signed',
      64,
      `${key}: ${stderr.trim() || 'ssh-keygen did not sign'}`,
      'name an OpenSSH key with --key: a private key, or a public one whose private half the agent holds',
    );
}

export interface SignatureCheck {
  /**
   * `trusted`: by one of the allowed signers. `valid`: over these files, by the key named in `text`; nobody said whose
   * it is.
   */
  readonly state: 'absent' | 'trusted' | 'valid' | 'bad';
  readonly text: string;
}

/** Verifies SHA256SUMS.sig. `signers`: OpenSSH's allowed_signers file, and the identity in it that must have signed. */
export async function checkSignature(
  dir: string,
  signers: { readonly file: string; readonly identity: string } | null,
): Promise<SignatureCheck> {
  const signature = join(dir, files.signature);
  const there = await stat(signature)
    .then(() => true)
    .catch(() => false);
  if (!there) return { state: 'absent', text: 'not signed' };
  const input = await readFile(join(dir, files.sums), 'utf8').catch(() => '');
  const how = signers === null ? ['check-novalidate'] : ['verify', '-f', signers.file, '-I', signers.identity];
  const { status, stdout, stderr } = await runProgram(['ssh-keygen', '-Y', ...how, '-n', namespace, '-s', signature], {
    input,
  });
  const said = `${stdout} ${stderr}`.trim().replaceAll(/\s*\n\s*/g, ' · ');
  if (status !== 0) return { state: 'bad', text: said };
  return { state: signers === null ? 'valid' : 'trusted', text: said };
}
