import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { addTo } from '../../../core/text/collections.js';

/** OpenSSH's PROTOCOL.sshsig. */
interface SshSignature {
  /** The public key's blob, base64. */
  readonly key: string;
  readonly namespace: string;
  readonly hash: string;
  readonly signature: Buffer;
}

const magic = 'SSHSIG';
const ed25519 = 'ssh-ed25519';

/** RFC 4251 section 5: 32 bits of length, then the bytes. */
function takeStrings(bytes: Buffer, count: number): readonly Buffer[] | null {
  const taken: Buffer[] = [];
  let at = 0;
  while (taken.length < count && at + 4 <= bytes.length) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return null;
    taken.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return taken.length === count && at === bytes.length ? taken : null;
}

function sshString(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** At a text's start, armored. null = not version 1 in canonical base64. */
function parseSshSignature(text: string): SshSignature | null {
  const armored = /^-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)\n-----END SSH SIGNATURE-----\n/.exec(text)?.[1];
  const digits = (armored ?? '').replaceAll('\n', '');
  const bytes = Buffer.from(digits, 'base64');
  if (bytes.toString('base64') !== digits) return null;
  if (bytes.toString('latin1', 0, magic.length) !== magic || bytes.length < 10 || bytes.readUInt32BE(6) !== 1)
    return null;
  const [key, namespace, , hash, signature] = takeStrings(bytes.subarray(10), 5) ?? [];
  if (key === undefined || namespace === undefined || hash === undefined || signature === undefined) return null;
  return { key: key.toString('base64'), namespace: `${namespace}`, hash: `${hash}`, signature };
}

/** Only ssh-keygen verifies other keys. */
function isSignedBy({ key, namespace, hash, signature }: SshSignature, input: string): boolean {
  const [kind, point] = takeStrings(Buffer.from(key, 'base64'), 2) ?? [];
  const [form, bytes] = takeStrings(signature, 2) ?? [];
  const isKnown = `${kind}` === ed25519 && `${form}` === ed25519 && (hash === 'sha512' || hash === 'sha256');
  if (!isKnown || point?.length !== 32 || bytes?.length !== 64) return false;
  const digest = createHash(hash).update(input).digest();
  const signed = [namespace, '', hash, digest].map(sshString);
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: point.toString('base64url') };
  return verify(
    null,
    Buffer.concat([Buffer.from(magic), ...signed]),
    createPublicKey({ key: jwk, format: 'jwk' }),
    bytes,
  );
}

interface AllowedLine {
  readonly name: string;
  readonly namespaces: string | null;
}

type Signers = ReadonlyMap<string, readonly AllowedLine[]>;

/** Without patterns, quoted or long names, times and authorities (match.c: 1,023 bytes). */
const plainLine =
  /^([\w.@+-]{1,1000})[ \t]+(?:namespaces="([\w.@,-]{1,1000})"[ \t]+)?ssh-ed25519[ \t]+(AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{43})(?:[ \t\r]|$)/;

let lastRead: { readonly stamp: string; readonly signers: Signers } | null = null;

/** The first other line and all behind need ssh-keygen. */
function signersOf(file: string): Signers {
  const { mtimeMs, size, ino } = statSync(file);
  const stamp = JSON.stringify([file, mtimeMs, size, ino]);
  if (lastRead?.stamp === stamp) return lastRead.signers;
  const signers = new Map<string, AllowedLine[]>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (/^[ \t]*(#|\r?$)/.test(line)) continue;
    const [, name, namespaces = null, key] = plainLine.exec(line) ?? [];
    if (name === undefined || key === undefined) break;
    addTo(signers, key, { name, namespaces });
  }
  lastRead = { stamp, signers };
  return signers;
}

function allows(file: string, identity: string, key: string, purpose: string): boolean {
  const line = signersOf(file)
    .get(key)
    ?.find(({ name }) => name === identity);
  return line !== undefined && (line.namespaces === null || line.namespaces.split(',').includes(purpose));
}

/**
 * Verifies ed25519 in `ssh-keygen -Y verify`'s words, as that process takes as long as judging a small run. `signers`:
 * allowed_signers (ssh-keygen(1)) and a name, null = any key. null = ssh-keygen must decide.
 */
export function verifiedQuickly(
  text: string,
  input: string,
  signers: { readonly file: string; readonly identity: string } | null,
  purpose: string,
): string | null {
  try {
    const found = parseSshSignature(text);
    if (found?.namespace !== purpose || !isSignedBy(found, input)) return null;
    if (signers !== null && !allows(signers.file, signers.identity, found.key, purpose)) return null;
    const fingerprint = createHash('sha256').update(found.key, 'base64').digest('base64').replace(/=+$/, '');
    const whose = signers === null ? '' : ` for ${signers.identity}`;
    return `Good "${purpose}" signature${whose} with ED25519 key SHA256:${fingerprint}`;
  } catch {
    return null; // an unreadable file, a key that is no point: ssh-keygen has words for it
  }
}
