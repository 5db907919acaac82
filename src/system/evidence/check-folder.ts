import { createHash } from 'node:crypto';
import { isAbsolute, join, normalize } from 'node:path';
import type { JudgeInput } from '../../core/judge/judge.js';
import type { Plan } from '../../core/model/plan.js';
import type { Result } from '../../core/model/result.js';
import type { RunRecord } from '../../core/model/run-record.js';
import { assertKnown, VerifyError, messageOf } from '../../core/model/verify-error.js';
import { counted } from '../../core/text/escape.js';
import { jsonText } from '../../core/text/json-text.js';
import { readCustody } from './folder/custody.js';
import { type CheckName, files } from './folder/folder.js';
import { hashBelow, hashFile } from './folder/hash.js';
import { maxSumsBytes } from './folder/named-file.js';
import { checkSignature, type SignatureCheck } from './folder/signature.js';
import { readRegularIfThere } from './read/regular-file.js';
import { judgeAsItIs, type JudgedRun } from './replay.js';

/** A check of a run's folder. */
export interface FolderCheck {
  readonly name: CheckName;
  readonly ok: boolean | null;
  readonly text: string;
}

export interface CheckedFolder {
  readonly checks: readonly FolderCheck[];
  readonly result: Result;
  readonly input: JudgeInput;
  readonly rootHash: string | null;
}

const maxReported = 20;

function someOf(faults: readonly string[]): string {
  const more = faults.length - maxReported;
  return `${faults.slice(0, maxReported).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

function readOrSay(path: string): { readonly content: string } | { readonly content: null; readonly why: string } {
  try {
    const content = readRegularIfThere(path, maxSumsBytes);
    return content === null ? { content, why: 'is missing' } : { content };
  } catch (error) {
    return { content: null, why: `cannot be read: ${messageOf(error)}` };
  }
}

async function hashes(dir: string, known: ReadonlyMap<string, string>): Promise<FolderCheck> {
  const text = readOrSay(join(dir, files.sums.name));
  if (text.content === null) return { name: 'hashes', ok: false, text: `${files.sums.name} ${text.why}` };
  const faults: string[] = [];
  const listed = new Set<string>();
  for (const line of text.content.split('\n').filter((line) => line !== '')) {
    const [, wanted, path] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    // A foreign list must not lead outside the folder.
    if (wanted === undefined || path === undefined || isAbsolute(path) || normalize(path).startsWith('..'))
      faults.push(`not a line of ${files.sums.name}: ${line.slice(0, 100)}`);
    else {
      listed.add(path);
      const hash = known.get(path) ?? (await hashBelow(dir, path).catch(() => null));
      if (hash === null) faults.push(`${path} is missing, or cannot be read`);
      else if (hash !== wanted) faults.push(`${path} was changed`);
    }
  }
  const unlisted = [...known.keys(), files.result.name].filter((path) => !listed.has(path));
  faults.push(...unlisted.map((path) => `${path} is not listed`));
  return faults.length === 0
    ? { name: 'hashes', ok: true, text: `${counted(listed.size, 'file is', 'files are')} what ${files.sums.name} says` }
    : { name: 'hashes', ok: false, text: someOf(faults) };
}

function signatureCheck({ state, text }: SignatureCheck): FolderCheck {
  const name = 'signature';
  if (state === 'absent') return { name, ok: null, text: 'unsigned: proves nothing against its holder' };
  if (state === 'bad') return { name, ok: false, text };
  return {
    name,
    ok: true,
    text: state === 'valid' ? `${text} (nobody said whose key that is: --allowed-signers)` : text,
  };
}

function captureCheck({ purged, capture }: RunRecord, sha256: string | undefined): FolderCheck {
  const name = 'capture';
  if (sha256 !== undefined && sha256 === capture?.sha256) {
    const which = purged === undefined ? 'that the run closed' : 'that was left when payload was purged';
    return { name, ok: true, text: `evidence.pcapng is the file ${which}` };
  }
  const text =
    capture === null ? 'the run never closed its capture' : 'evidence.pcapng is not the file that the run closed';
  return { name, ok: false, text };
}

function keyCheck({ key }: RunRecord, { keySha256 }: Plan): FolderCheck {
  const name = 'key';
  if (key === null) return { name, ok: false, text: 'the key was lost' };
  return createHash('sha256').update(Buffer.from(key, 'hex')).digest('hex') === keySha256
    ? { name, ok: true, text: 'the key is the one that plan.json commits to' }
    : { name, ok: false, text: 'the key is not the one that plan.json commits to' };
}

function resultCheck(dir: string, result: Result): FolderCheck {
  const name = 'result';
  const written = readOrSay(join(dir, files.result.name));
  if (written.content === null) return { name, ok: false, text: `result.json ${written.why}` };
  return written.content === `${jsonText(result, 2)}\n`
    ? { name, ok: true, text: 'judged again: result.json, byte for byte' }
    : { name, ok: false, text: `judged again it is ${result.verdict}, and not what result.json says` };
}

async function custodyCheck(dir: string): Promise<FolderCheck> {
  const name = 'custody';
  const { count, entries, faults } = await readCustody(dir);
  if (faults.length > 0) return { name, ok: false, text: faults.join('; ') };
  if (entries.length === 0) return { name, ok: null, text: 'nothing was done to the folder since the run' };
  const lines = entries.map(({ at, action, uid, text }) => `${at} ${action} by uid ${uid}: ${text}`);
  return {
    name,
    ok: true,
    text: [...(count > entries.length ? [`${count - entries.length} entries`] : []), ...lines].join('; '),
  };
}

/** VerifyError: 3 = a listed file was changed or is missing, and nothing can be judged; 64 = another folder. */
async function judgedAgain(dir: string): Promise<JudgedRun> {
  try {
    return await judgeAsItIs(dir);
  } catch (error) {
    assertKnown(error);
    const { ok, text } = await hashes(dir, new Map());
    if (ok === true || readOrSay(join(dir, files.sums.name)).content === null) throw error;
    throw new VerifyError(
      'evidence-not-whole',
      3,
      `NOT WHOLE: ${dir}: ${text}; it cannot be judged again: ${error.message}`,
      'take the folder from a copy of which the root hash is known',
    );
  }
}

/** Hashes, capture, key commitment, result, custody and signature. Throws as `judgedAgain`. */
export async function checkFolder(
  dir: string,
  signers: { readonly file: string; readonly identity: string } | null,
): Promise<CheckedFolder> {
  const { result, input } = await judgedAgain(dir);
  const { run, plan } = input;
  const known = new Map(result.evidence.files.map(({ path, sha256 }) => [path, sha256]));
  // The report is a view that system/ cannot make
  const checks: Readonly<Record<Exclude<CheckName, 'report'>, FolderCheck>> = {
    hashes: await hashes(dir, known),
    capture: captureCheck(run, known.get(files.capture.name)),
    key: keyCheck(run, plan),
    result: resultCheck(dir, result),
    custody: await custodyCheck(dir),
    signature: signatureCheck(await checkSignature(dir, signers)),
  };
  return {
    checks: Object.values(checks),
    result,
    input,
    rootHash: await hashFile(join(dir, files.sums.name)).catch(() => null),
  };
}

/** Throws VerifyError (3) if a check fails: a damaged folder is neither signed nor changed. */
export async function mustBeWhole(dir: string): Promise<void> {
  const { checks } = await checkFolder(dir, null);
  const wrong = checks.filter(({ name, ok }) => ok === false && name !== 'signature');
  if (wrong.length > 0)
    throw new VerifyError(
      'evidence-not-whole',
      3,
      `${dir}: ${wrong.map(({ text }) => text).join('; ')}`,
      'see verify-isolation check',
    );
}
