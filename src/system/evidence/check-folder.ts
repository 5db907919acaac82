import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import type { Result } from '../../core/model/result.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { jsonText } from '../../core/text/json-text.js';
import { readCustody } from './folder/custody.js';
import { files } from './folder/folder.js';
import { hashFile } from './folder/hash.js';
import { checkSignature, type SignatureCheck } from './folder/signature.js';
import { judgeFolder } from './replay.js';

/** One thing that was checked of a run's folder. */
export interface FolderCheck {
  readonly name: 'hashes' | 'capture' | 'key' | 'result' | 'custody' | 'signature';
  /** null = there was nothing to check. */
  readonly ok: boolean | null;
  readonly text: string;
}

export interface CheckedFolder {
  readonly checks: readonly FolderCheck[];
  readonly result: Result;
  /** SHA-256 of SHA256SUMS. */
  readonly rootHash: string | null;
}

/** `known`: hashes of files of the folder as they were judged, so that none is read twice. */
async function hashes(dir: string, known: ReadonlyMap<string, string>): Promise<FolderCheck> {
  const text = await readFile(join(dir, files.sums), 'utf8').catch(() => null);
  if (text === null) return { name: 'hashes', ok: false, text: `${files.sums} is missing` };
  const faults: string[] = [];
  const listed = new Set<string>();
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, wanted, path] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    // A list from elsewhere must not make this program read outside the folder.
    if (wanted === undefined || path === undefined || isAbsolute(path) || normalize(path).startsWith('..'))
      faults.push(`not a line of ${files.sums}: ${line.slice(0, 100)}`);
    else {
      listed.add(path);
      const found = known.get(path) ?? (await hashFile(join(dir, path)).catch(() => null));
      if (found === null) faults.push(`${path} is missing`);
      else if (found !== wanted) faults.push(`${path} was changed`);
    }
  }
  const unlisted = [...known.keys(), files.result].filter((path) => !listed.has(path));
  faults.push(...unlisted.map((path) => `${path} is not listed`));
  return faults.length === 0
    ? { name: 'hashes', ok: true, text: `${listed.size} files are what ${files.sums} says` }
    : { name: 'hashes', ok: false, text: faults.join('; ') };
}

function signatureCheck({ state, text }: SignatureCheck): FolderCheck {
  return {
    name: 'signature',
    ok: state === 'absent' ? null : state !== 'bad',
    text: state === 'valid' ? `${text} (nobody said whose key that is: --allowed-signers)` : text,
  };
}

/**
 * Checks a run's folder from the outside in: hashes, the capture, the key's commitment, the result judged again,
 * custody, signature. VerifyError 64 where it is no run's folder.
 */
export async function checkFolder(
  dir: string,
  signers: { readonly file: string; readonly identity: string } | null,
): Promise<CheckedFolder> {
  const {
    result,
    input: { run, plan },
  } = await judgeFolder(dir);
  const written = await readFile(join(dir, files.result), 'utf8').catch(() => null);
  const known = new Map(result.evidence.files.map(({ path, sha256 }) => [path, sha256]));
  const captured = known.get(files.capture);
  const committed =
    run.key !== null && createHash('sha256').update(Buffer.from(run.key, 'hex')).digest('hex') === plan.keySha256;
  const custody = await readCustody(dir);
  const custodyText = custody.entries
    .map(({ at, action, uid, text }) => `${at} ${action} by uid ${uid}: ${text}`)
    .join('; ');
  const checks: readonly FolderCheck[] = [
    await hashes(dir, known),
    captured !== undefined && captured === run.capture?.sha256
      ? {
          name: 'capture',
          ok: true,
          text: `evidence.pcapng is the file ${run.purged === undefined ? 'that the run closed' : 'that was left when payload was purged'}`,
        }
      : {
          name: 'capture',
          ok: false,
          text:
            run.capture === null
              ? 'the run never closed its capture'
              : 'evidence.pcapng is not the file that the run closed',
        },
    committed
      ? { name: 'key', ok: true, text: 'the key is the one that plan.json commits to' }
      : {
          name: 'key',
          ok: false,
          text: run.key === null ? 'the key was lost' : 'the key is not the one that plan.json commits to',
        },
    written === `${jsonText(result, 2)}\n`
      ? { name: 'result', ok: true, text: 'judged again: result.json, byte for byte' }
      : {
          name: 'result',
          ok: false,
          text:
            written === null
              ? 'result.json is missing'
              : `judged again it is ${result.verdict}, and not what result.json says`,
        },
    custody.faults.length > 0
      ? { name: 'custody', ok: false, text: custody.faults.join('; ') }
      : {
          name: 'custody',
          ok: custody.entries.length === 0 ? null : true,
          text: custodyText || 'nothing was done to the folder since the run',
        },
    signatureCheck(await checkSignature(dir, signers)),
  ];
  return { checks, result, rootHash: await hashFile(join(dir, files.sums)).catch(() => null) };
}

/** Throws VerifyError (3) where anything of the folder is not right: nobody signs or changes such evidence. */
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
