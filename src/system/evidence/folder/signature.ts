import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { messageOf, systemCode, VerifyError } from '../../../core/model/verify-error.js';
import { runProgram } from '../../process/programs.js';
import { readBytes } from '../read/read-bytes.js';
import { readRegular, readRegularIfThere } from '../read/regular-file.js';
import { appendCustody, custodyLine, rootHash } from './custody.js';
import { files, writeWhole } from './folder.js';
import { verifiedQuickly } from './ssh-signature.js';

/** OpenSSH's namespace (PROTOCOL.sshsig) excludes signatures for other purposes. */
const namespace = 'verify-isolation';

const maxBytes = 1 << 16;
const maxInSums = 256 * 2 ** 20;

/** SHA256SUMS and the custody log's hash. `more`: text about to be logged. */
async function signedText(dir: string, more = ''): Promise<string> {
  const sums = readRegular(join(dir, files.sums.name), maxInSums);
  const hash = createHash('sha256');
  let length = 0;
  try {
    for await (const chunk of readBytes(join(dir, files.custody.name), { fleeting: true, regular: true })) {
      length += chunk.length;
      hash.update(chunk);
    }
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  hash.update(more);
  return length + more.length === 0 ? sums : `${sums}${hash.digest('hex')}  ${files.custody.name}\n`;
}

/**
 * Signs hashes and custody log with an OpenSSH key, logs that, and writes SHA256SUMS.sig. Gives the root hash.
 * VerifyError 64 without change if the key does not sign.
 */
export async function attestFolder(dir: string, key: string, who: string): Promise<string> {
  const root = await rootHash(dir);
  const line = custodyLine(dir, { action: 'attested', before: root, text: `signed by ${who} with ${key}` }, root);
  const signature = await signText(await signedText(dir, line), key);
  appendCustody(dir, line);
  await writeWhole(join(dir, files.signature.name), signature);
  return root;
}

/** VerifyError 64 if the key does not sign. */
export async function checkKey(key: string): Promise<void> {
  await signText('', key);
}

async function signText(text: string, key: string): Promise<string> {
  const { status, stdout, stderr } = await runProgram(['ssh-keygen', '-q', '-Y', 'sign', '-f', key, '-n', namespace], {
    timeoutMs: 120_000,
    input: text,
  });
  if (status === 0) return stdout;
  throw new VerifyError(
    'not-signed',
    64,
    `${key}: ${stderr.trim() || 'ssh-keygen did not sign'}`,
    'name an OpenSSH key: a private key, or a public one whose private half the agent holds',
  );
}

export interface SignatureCheck {
  /** `trusted`: by an allowed signer. `valid`: by the key in `text`, of an unknown owner. */
  readonly state: 'absent' | 'trusted' | 'valid' | 'bad';
  readonly text: string;
}

/**
 * Verifies SHA256SUMS.sig over hashes and custody log. `signers`: OpenSSH's allowed_signers file, and the identity that
 * must have signed.
 */
export async function checkSignature(
  dir: string,
  signers: { readonly file: string; readonly identity: string } | null,
): Promise<SignatureCheck> {
  const signature = join(dir, files.signature.name);
  try {
    const text = readRegularIfThere(signature, maxBytes);
    if (text === null) return { state: 'absent', text: 'not signed' };
    return await verifyText(await signedText(dir), { path: signature, text }, signers);
  } catch (error) {
    return { state: 'bad', text: messageOf(error) };
  }
}

async function verifyText(
  input: string,
  file: { readonly path: string; readonly text: string },
  signers: { readonly file: string; readonly identity: string } | null,
): Promise<SignatureCheck> {
  const good = signers === null ? 'valid' : 'trusted';
  const known = verifiedQuickly(file.text, input, signers, namespace);
  if (known !== null) return { state: good, text: known };
  const how = signers === null ? ['check-novalidate'] : ['verify', '-f', signers.file, '-I', signers.identity];
  const { status, stdout, stderr } = await runProgram(['ssh-keygen', '-Y', ...how, '-n', namespace, '-s', file.path], {
    input,
  });
  const text = `${stdout} ${stderr}`.trim().replaceAll(/\s*\n\s*/g, ' · ');
  return { state: status === 0 ? good : 'bad', text };
}
