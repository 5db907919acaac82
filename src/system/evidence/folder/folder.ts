import { closeSync, writeFileSync } from 'node:fs';
import { access, chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VerifyError } from '../../../core/model/verify-error.js';
import { jsonText } from '../../../core/text/json-text.js';
import { openNewFile } from './named-file.js';

/** Names of the files of a run's folder; `result.json` is a pure function of the others. */
export const files = {
  run: 'run.json',
  plan: 'plan.json',
  timeline: 'timeline.ndjson',
  capture: 'evidence.pcapng',
  discarded: 'discarded.ndjson',
  result: 'result.json',
  sums: 'SHA256SUMS',
  signature: 'SHA256SUMS.sig',
  custody: 'custody.ndjson',
  fixes: 'fixes.json',
  proveFix: 'prove-fix',
  state: 'state',
  raw: 'raw',
} as const;

/** What a recorded run's capture is called: the same bytes, gzip. */
export const compressedCapture = `${files.capture}.gz`;

/** What evidence.pcapng is called until it is whole, where it is written while a run goes on. */
export const partialCapture = `${files.capture}.part`;

/** Path of a folder's capture: plain where it is there, else compressed. */
export async function capturePath(dir: string): Promise<string> {
  const plain = join(dir, files.capture);
  const compressed = join(dir, compressedCapture);
  const isThere = (path: string): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    );
  return !(await isThere(plain)) && (await isThere(compressed)) ? compressed : plain;
}

/** `when`: the number of a snapshot around events, from 1. */
export function stateFile(step: number, when: 'before' | 'after' | number): string {
  return join(files.state, `${step + 1}-${typeof when === 'number' ? `during-${when}` : when}.json`);
}

/** A raw capture of one step, written by one helper. */
export function rawFile(step: number, helper: number): string {
  return join(files.raw, `${step + 1}-${helper}.pcapng`);
}

/** What the file system refused: VerifyError 69, `evidence-not-writable`. */
export function cannotWrite(path: string, error: unknown): VerifyError {
  const why = error instanceof Error ? error.message : String(error);
  return new VerifyError(
    'evidence-not-writable',
    69,
    `${path}: the evidence cannot be written: ${why}`,
    'Name another folder with --out, or make room and rights for this one.',
  );
}

async function orCannotWrite<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/** Makes a run's folder, 0700, with its sub-folders. VerifyError 69 where it exists already or cannot be made. */
export async function createFolder(dir: string): Promise<void> {
  await orCannotWrite(dir, async () => {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await chmod(dir, 0o700);
    for (const sub of [files.state, files.raw]) await mkdir(join(dir, sub), { mode: 0o700 });
  });
}

/** A JSON document as it stands in a file of a run's folder. */
export function documentText(value: object): string {
  return `${jsonText(value, 2)}\n`;
}

/**
 * Writes a file whole or not at all: to one beside it that was not there, so that no link is followed, then renamed.
 * 0600.
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const part = `${path}.part`;
  await rm(part, { force: true }); // of a writer that was killed
  const fd = openNewFile(part);
  try {
    writeFileSync(fd, text);
  } finally {
    closeSync(fd);
  }
  await rename(part, path);
}

/** Writes a JSON document whole or not at all, 0600; gives its text. */
export async function writeJson(dir: string, name: string, value: object): Promise<string> {
  const path = join(dir, name);
  const text = documentText(value);
  await orCannotWrite(path, () => writeWhole(path, text));
  return text;
}
