import { mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { request as requestByHttp } from 'node:http';
import { request as requestByHttps } from 'node:https';
import { hostname, release } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { HostSummary, RunSummary } from '../../core/model/fleet.js';
import { messageOf, VerifyError, usageError } from '../../core/model/verify-error.js';
import { fileWord } from '../../core/text/escape.js';
import { jsonText } from '../../core/text/json-text.js';
import { toolVersion } from '../process/package-path.js';
import { runSummaryKeys, summaryEnd } from './folder/host-folders.js';
import { openNamedFile } from './folder/named-file.js';
import { parseSshSignature } from './folder/ssh-signature.js';
import { signText, type SignatureCheck, verifyText } from './folder/signature.js';
import { readRegular, readRegularIfThere } from './read/regular-file.js';

/** OpenSSH's signature namespace: a folder's signature never counts for a summary. */
const purpose = 'verify-isolation-summary';
const maxBytes = 1 << 20;

export interface Patience {
  readonly waitsMs: readonly number[];
  readonly answerMs: number;
  readonly totalMs: number;
}

const usualPatience: Patience = { waitsMs: [0, 1000, 4000], answerMs: 10_000, totalMs: 60_000 };

const text = z.string().max(1000);
const shape = z.strictObject({
  schemaVersion: z.literal(1),
  tool: z.strictObject({ name: text, version: text }),
  kernel: text,
  host: z.string().min(1).max(253),
  at: z.iso.datetime(),
  exitCode: z.int().min(0).max(255),
  asked: text,
  runs: z
    .array(z.strictObject({ ...runSummaryKeys, rootHash: text.nullable(), dir: z.string().max(4096).nullable() }))
    .max(1000),
  unended: z.int().min(0),
}) satisfies z.ZodType<HostSummary>;

/** Throws VerifyError (64) for an address without HTTP PUT. */
export function pushUrl(option: string, address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw usageError(
    // Other parts may be secret
    `${option}${url === null || url.host === '' ? '' : ` ${url.protocol}//${url.host}`}: expected an address of http or https`,
    'for example https://collector.example/isolation/; one that ends with / gets the name of the file',
  );
}

export interface EndedRuns {
  readonly exitCode: number;
  readonly asked: string;
  readonly runs: readonly (RunSummary & { readonly rootHash: string | null; readonly dir: string | null })[];
  readonly unended: number;
}

/**
 * OpenSSH's signature, then a line of signed JSON. Rejects with VerifyError (64) if the key does not sign, and with
 * file system errors.
 */
export async function spoolSummary(ended: EndedRuns, spool: string, key: string, now: Date): Promise<void> {
  const host = hostname();
  const summary: HostSummary = {
    schemaVersion: 1,
    tool: { name: 'verify-isolation', version: toolVersion() },
    kernel: release(),
    host,
    at: now.toISOString(),
    ...ended,
  };
  const body = `${jsonText(summary)}\n`;
  const signature = await signText(body, key, purpose);
  const time = summary.at.slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  const id = (ended.runs[0]?.id ?? 'none').slice(0, 8);
  const file = openNamedFile(join(spool, `${fileWord(host)}-${time}-${id}${summaryEnd}`), 0o600);
  try {
    writeFileSync(file.fd, `${signature}${body}`);
  } catch (error) {
    file.drop();
    throw error;
  }
  file.keep();
}

function signedPart(text: string): string {
  return /^-----END SSH SIGNATURE-----\n([^]*)$/m.exec(text)?.[1] ?? '';
}

/** Unverified. `signer`: the signature's public key (base64, '' = none). Throws VerifyError (3) if malformed. */
export function readSummary(path: string): { readonly summary: HostSummary; readonly signer: string } {
  try {
    const text = readRegular(path, maxBytes);
    return { summary: shape.parse(JSON.parse(signedPart(text))), signer: parseSshSignature(text)?.key ?? '' };
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error).replaceAll('\n', ' ') : messageOf(error);
    throw new VerifyError('host-record', 3, `${path}: no summary of run --push: ${why}`, 'have it pushed again');
  }
}

/** Verifies a summary's signature; `signers`: OpenSSH's file of keys, and the signer's name; null = any key. */
export async function checkSummary(
  path: string,
  signers: { readonly file: string; readonly identity: string } | null,
): Promise<SignatureCheck> {
  const text = readRegular(path, maxBytes);
  return verifyText(signedPart(text), { path, text }, signers, purpose);
}

/**
 * null = taken. `stop`: all are refused until credential or path change. `never`: this summary is refused. `unknown`:
 * the next may be taken.
 */
type Refusal = { readonly why: string; readonly when: 'again' | 'stop' | 'never' | 'unknown' } | null;

/** RFC 9110 section 15.5: errors of the body, and of credential, path and method. */
const ofBody: readonly number[] = [400, 413, 415, 422];
const ofReceiver: readonly number[] = [401, 403, 404, 405, 407];
/** RFC 9110 section 15.5, RFC 8470 (425), RFC 6585 (429). */
const passing: readonly number[] = [408, 425, 429];

function refusalOf(status: number): Refusal {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400)
    return { why: `it answered ${status}: redirections are not followed`, when: 'unknown' };
  return { why: `it answered ${status}`, when: whenTaken(status) };
}

function whenTaken(status: number): NonNullable<Refusal>['when'] {
  if (ofBody.includes(status)) return 'never';
  if (ofReceiver.includes(status)) return 'stop';
  return status < 400 || status >= 500 || passing.includes(status) ? 'again' : 'unknown';
}

function put(url: URL, body: string, answerMs: number): Promise<Refusal> {
  const start = url.protocol === 'https:' ? requestByHttps : requestByHttp;
  return new Promise((resolve) => {
    const request = start(url, {
      method: 'PUT',
      agent: false,
      signal: AbortSignal.timeout(answerMs),
      headers: { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(body) },
    });
    request.on('response', (response) => {
      resolve(refusalOf(response.statusCode ?? 0));
      response.destroy();
    });
    request.on('error', (error) => resolve(failureOf(error, answerMs)));
    // Without response or error: after 101, which asks for another protocol
    request.on('close', () => resolve({ why: 'it ended the connection without an answer', when: 'again' }));
    request.end(body);
  });
}

/** OpenSSL's permanent verification errors, and Node's for another name. */
const untrusted = /SELF_SIGNED|ISSUER|LEAF_SIGNATURE|UNTRUSTED/;
const unfit = /^CERT_|_CERT_|CERTIFICATE/;

function failureOf(error: Error, answerMs: number): NonNullable<Refusal> {
  if (error.name === 'AbortError') return { why: `no answer within ${answerMs / 1000} s`, when: 'again' };
  // `AggregateError`, of several addresses, has no text of its own
  const [first = error]: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  const code = 'code' in error ? String(error.code) : '';
  if (untrusted.test(code))
    return {
      why: `its certificate is not trusted: ${messageOf(first)} (NODE_EXTRA_CA_CERTS names a file with its CA)`,
      when: 'stop',
    };
  if (unfit.test(code) && !code.includes('_ALERT_'))
    return { why: `its certificate is refused: ${messageOf(first)}`, when: 'stop' };
  return { why: messageOf(first), when: 'again' };
}

async function putPatiently(url: URL, body: string, patience: Patience): Promise<Refusal> {
  let refusal: Refusal = null;
  for (const waitMs of patience.waitsMs) {
    await sleep(waitMs);
    refusal = await put(url, body, patience.answerMs);
    if (refusal?.when !== 'again') break;
  }
  return refusal;
}

const refusedFolder = 'refused';
/** Number and age in days of kept files. */
export const refusedBound = { count: 100, days: 30 };

export interface Delivery {
  readonly delivered: number;
  readonly kept: number;
  /** `removed`: beyond `refusedBound`. */
  readonly refused: { readonly count: number; readonly removed: number; readonly dir: string };
  /** Distinct, oldest first. */
  readonly reasons: readonly string[];
}

/**
 * Oldest first, removing accepted ones. Stops if the receiver is unreachable, untrusted or refuses all, or at the time
 * limit. Summaries with a refused body move to the bounded folder `refused`. Unreadable ones stay. It skips those
 * another process just delivered. Rejects with VerifyError (64) if the spool is unreadable.
 */
export async function deliverSpool(spool: string, url: URL, patience = usualPatience): Promise<Delivery> {
  const names = summaryNames(spool);
  const untilMs = performance.now() + patience.totalMs;
  const dir = basename(resolve(spool)) === refusedFolder ? spool : join(spool, refusedFolder);
  const reasons = new Set<string>();
  let [delivered, gone, count] = [0, 0, 0];
  for (const name of names) {
    const target = new URL(url);
    if (target.pathname.endsWith('/')) target.pathname += encodeURIComponent(name);
    if (performance.now() > untilMs) {
      reasons.add(`${patience.totalMs / 1000} s are over`);
      break;
    }
    try {
      const body = readRegularIfThere(join(spool, name), maxBytes);
      const refusal = body === null ? null : await putPatiently(target, body, patience);
      if (body === null) gone += 1;
      else if (refusal === null) {
        rmSync(join(spool, name), { force: true });
        delivered += 1;
      } else reasons.add(refusal.why);
      const when = refusal?.when;
      if (when === 'again' || when === 'stop') break;
      if (when !== 'never') continue;
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      renameSync(join(spool, name), join(dir, name));
      utimesSync(join(dir, name), new Date(), new Date()); // its days there begin
      count += 1;
    } catch (error) {
      reasons.add(`${name}: ${messageOf(error)}`);
    }
  }
  const refused = { count, removed: count === 0 ? 0 : boundRefused(dir, Date.now()), dir };
  return { delivered, kept: names.length - delivered - gone - count, refused, reasons: [...reasons] };
}

function boundRefused(dir: string, nowMs: number): number {
  const written = summaryNames(dir).flatMap((name) => {
    const mtimeMs = statSync(join(dir, name), { throwIfNoEntry: false })?.mtimeMs;
    return mtimeMs === undefined ? [] : [{ name, mtimeMs }];
  });
  const oldestMs = nowMs - refusedBound.days * 86_400_000;
  const beyond = written
    .sort((a, b) => b.mtimeMs - a.mtimeMs)
    .filter(({ mtimeMs }, at) => at >= refusedBound.count || mtimeMs < oldestMs);
  for (const { name } of beyond) rmSync(join(dir, name), { force: true });
  return beyond.length;
}

function summaryNames(spool: string): readonly string[] {
  try {
    const names = readdirSync(spool, { withFileTypes: true }).flatMap((entry) =>
      entry.isFile() && entry.name.endsWith(summaryEnd) && !entry.name.startsWith('.') ? [entry.name] : [],
    );
    return names.sort();
  } catch (error) {
    throw new VerifyError('folder-unreadable', 64, `${spool}: ${messageOf(error)}`, 'name the folder of run --spool');
  }
}
