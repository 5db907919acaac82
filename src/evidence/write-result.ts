import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { jsonText } from '../model/json-text.js';
import type { Finding, Result } from '../model/result.js';
import { packagePath } from '../sys/package-path.js';
import { cannotWrite, files, writeJson } from './folder.js';
import { hashFile } from './hash-file.js';

/** What the thread is told: octets as they stand in the file, or JSON of a list in one line, without its brackets, which stands so many levels deep; in the end null. */
export type ToWriting = { readonly octets: Uint8Array<ArrayBuffer>; readonly depth: number | null } | null;

/** What it says in the end. */
export type FromWriting = { readonly sha256: string } | { readonly failure: string };

/** From so many findings on a thread is worth its start. */
const worthAThread = 20_000;
const atOnce = 2000;
const encoder = new TextEncoder();
/** Findings of a result stand in steps, these in a list, that in the result. */
const depthOfFinding = 4;
/** A list without findings: in a text of JSON a quotation mark that begins no word has a backslash before it. */
const noFindings = '"findings": []';

/** Writes result.json whole or not at all, 0600. Resolves to its SHA-256, hex. VerifyError 69 where the file system takes no more. */
export async function writeResult(dir: string, result: Result): Promise<string> {
  if (result.steps.reduce((sum, { findings }) => sum + findings.length, 0) >= worthAThread) return writeBeside(dir, result);
  await writeJson(dir, files.result, result);
  return hashFile(join(dir, files.result));
}

/** As `writeJson`: this thread makes texts of single lines, another lays them out, hashes and writes them, which takes longer. */
async function writeBeside(dir: string, result: Result): Promise<string> {
  const path = join(dir, files.result);
  const thread = new Worker(packagePath('dist/result-thread.cjs'), { workerData: `${path}.part` });
  const written = new Promise<FromWriting>((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('the thread that writes the result ended without a word')));
  });
  for (const part of partsOf(result)) thread.postMessage(part, [part.octets.buffer]);
  thread.postMessage(null);
  const told = await written;
  if ('failure' in told) throw cannotWrite(path, new Error(told.failure));
  await rename(`${path}.part`, path).catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
  return told.sha256;
}

function* partsOf(result: Result): Generator<NonNullable<ToWriting>> {
  const { steps } = result;
  const texts = jsonText({ ...result, steps: steps.map((step) => ({ ...step, findings: [] })) }, 2).split(noFindings);
  if (texts.length !== steps.length + 1) { // something else is named as they are
    yield asItIs(`${jsonText(result, 2)}\n`);
    return;
  }
  for (const [at, text] of texts.entries()) {
    yield asItIs(text);
    const findings = steps[at]?.findings;
    if (findings !== undefined) yield* findingsOf(findings);
  }
  yield asItIs('\n');
}

function* findingsOf(findings: readonly Finding[]): Generator<NonNullable<ToWriting>> {
  if (findings.length === 0) {
    yield asItIs(noFindings);
    return;
  }
  yield asItIs(`"findings": [\n${' '.repeat(2 * depthOfFinding)}`);
  for (let from = 0; from < findings.length; from += atOnce) {
    const json = jsonText(findings.slice(from, from + atOnce));
    yield { octets: encoder.encode(`${from === 0 ? '' : ','}${json.slice(1, -1)}`), depth: depthOfFinding };
  }
  yield asItIs(`\n${' '.repeat(2 * (depthOfFinding - 1))}]`);
}

function asItIs(text: string): NonNullable<ToWriting> {
  return { octets: encoder.encode(text), depth: null };
}
