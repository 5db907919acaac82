import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { verifiedQuickly } from '../../../../../src/system/evidence/folder/ssh-signature.js';
import { scratchFolder } from '../../../../support/scratch.js';

const top = scratchFolder('ssh-signature');
const at = (name: string): string => join(top, name);
const text = (name: string): string => readFileSync(at(name), 'utf8');
const purpose = 'verify-isolation';
const input = 'hashes of files\n';

function keygen(words: readonly string[], stdin = ''): { readonly status: number | null; readonly stdout: string } {
  return spawnSync('ssh-keygen', words, { input: stdin, encoding: 'utf8' });
}

/** ssh-keygen's answer for a signature; null = it refuses. */
function slowly(signature: string, identity: string | null, over: string): string | null {
  const how = identity === null ? ['check-novalidate'] : ['verify', '-f', at('signers'), '-I', identity];
  const { status, stdout } = keygen(['-Y', ...how, '-n', purpose, '-s', at(signature)], over);
  return status === 0 ? stdout.trim() : null;
}

/** Each digit of base64, and the next one. */
const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const after: Readonly<Record<string, string>> = Object.fromEntries(
  [...digits].map((digit, index) => [digit, digits[index + 1] ?? '']),
);

function quickly(signature: string, identity: string | null, over: string): string | null {
  return verifiedQuickly(text(signature), over, identity === null ? null : { file: at('signers'), identity }, purpose);
}

describe('signatures that are verified without ssh-keygen', () => {
  beforeAll(() => {
    for (const type of ['ed25519', 'rsa', 'ecdsa']) {
      keygen(['-q', '-t', type, '-N', '', '-f', at(type)]);
      writeFileSync(at(`${type}.sig`), keygen(['-q', '-Y', 'sign', '-f', at(type), '-n', purpose], input).stdout);
    }
    const sha256 = ['-q', '-Y', 'sign', '-f', at('ed25519'), '-O', 'hashalg=sha256', '-n', purpose];
    writeFileSync(at('sha256.sig'), keygen(sha256, input).stdout);
    writeFileSync(at('other.sig'), keygen(['-q', '-Y', 'sign', '-f', at('ed25519'), '-n', 'other'], input).stdout);
  });

  it.each(['ed25519.sig', 'sha256.sig'])('has the words of ssh-keygen: %s', (signature) => {
    writeFileSync(at('signers'), `host1 namespaces="x,${purpose}" ${text('ed25519.pub')}`);
    for (const identity of [null, 'host1']) {
      expect(quickly(signature, identity, input)).toBe(slowly(signature, identity, input));
      expect(quickly(signature, identity, input)).toMatch(/^Good "verify-isolation" signature/);
    }
  });

  it.each(['rsa.sig', 'ecdsa.sig', 'other.sig'])('leaves other keys and purposes to ssh-keygen: %s', (signature) => {
    expect(quickly(signature, null, input)).toBeNull();
  });

  it('takes no other text, and no signature in which a bit is another', () => {
    expect(quickly('ed25519.sig', null, `${input} `)).toBeNull();
    const [, body = ''] = /\n([^]*)\n-/.exec(text('ed25519.sig')) ?? [];
    const bytes = Buffer.from(body, 'base64');
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      writeFileSync(at('changed.sig'), text('ed25519.sig').replace(body, changed.toString('base64')));
      expect({ index, said: quickly('changed.sig', null, input) }).toEqual({ index, said: null });
    }
  });

  it.each([
    ['without its padding', (body: string) => body.replace('=', '')],
    ['with data behind the padding', (body: string) => `${body}AAAA`],
    ['with padding inside', (body: string) => body.replace(/^(.{4})/, '$1=')],
    ['with bits that are left over', (body: string) => body.replace(/.=/, (end) => `${after[end[0] ?? ''] ?? ''}=`)],
  ])('takes no armor that is not canonical: %s', (_, oddly) => {
    const signed = keygen(['-q', '-Y', 'sign', '-f', at('ed25519'), '-n', `${purpose}-summary`], input).stdout;
    const odd = signed.replace(/(?<=-\n)[^-]+(?=\n-)/, oddly);
    const saidOf = (armored: string): string | null => verifiedQuickly(armored, input, null, `${purpose}-summary`);
    expect([odd === signed, saidOf(signed), saidOf(odd)]).toEqual([false, expect.stringMatching(/^Good/), null]);
  });

  it('leaves a name to ssh-keygen that is longer than its patterns', () => {
    const name = 'a'.repeat(1024);
    writeFileSync(at('signers'), `${name} ${text('ed25519.pub')}`);
    expect(quickly('ed25519.sig', name, input)).toBeNull();
  });

  const keyOf = (name: string): string => text(`${name}.pub`).split(' ').slice(0, 2).join(' ');
  it.each([
    ['another name', () => `host2 ${keyOf('ed25519')}`],
    ['another key', () => `host1 ${keyOf('rsa')}`],
    ['another purpose', () => `host1 namespaces="other" ${keyOf('ed25519')}`],
    [
      'another purpose, then the right one',
      () => `host1 namespaces="o" ${keyOf('ed25519')}\nhost1 ${keyOf('ed25519')}`,
    ],
    ['an authority', () => `host1 cert-authority ${keyOf('ed25519')}`],
    ['a time that is over', () => `host1 valid-before="20200101" ${keyOf('ed25519')}`],
    ['a pattern', () => `host? ${keyOf('ed25519')}`],
    ['a pattern that leaves it out', () => `!host1,host* ${keyOf('ed25519')}`],
    ['several names', () => `host0,host1 ${keyOf('ed25519')}`],
    ['a line that is none before it', () => `host1 namespaces=" ssh-ed25519\nhost1 ${keyOf('ed25519')}`],
    ['a key that is cut off', () => `host1 ${keyOf('ed25519').slice(0, -8)}`],
    ['comments and blanks before it', () => `# keys\n\n  # more\nhost0 ${keyOf('ed25519')}\nhost1 ${keyOf('ed25519')}`],
  ])('never says yes where ssh-keygen does not: %s', (_, lines) => {
    writeFileSync(at('signers'), `${lines()}\n`);
    const quick = quickly('ed25519.sig', 'host1', input);
    if (quick !== null) expect(quick).toBe(slowly('ed25519.sig', 'host1', input));
  });

  it('passes over comments, and reads a file again that changed', () => {
    writeFileSync(at('signers'), `# keys\n\nhost0 ${keyOf('ed25519')}\nhost1 ${keyOf('ed25519')} of a host\n`);
    expect(quickly('ed25519.sig', 'host1', input)).toMatch(/^Good/);
    writeFileSync(at('signers'), `# none\n`);
    expect(quickly('ed25519.sig', 'host1', input)).toBeNull();
  });
});
