import { closeSync, writeFileSync } from 'node:fs';
import { access, chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { discardedShape } from '../../../core/judge/count/discarded.js';
import { fixesShape } from '../../../core/model/fix.js';
import { planShape } from '../../../core/model/plan.js';
import { runShape } from '../../../core/model/run-record.js';
import type { Shape } from '../../../core/model/shape/shape.js';
import { timelineShape, traceShape } from '../../../core/model/timeline.js';
import { stateShape } from '../../../core/protocol/state-shape.js';
import { VerifyError, messageOf } from '../../../core/model/verify-error.js';
import { jsonText } from '../../../core/text/json-text.js';
import { openNewFile, sumsName } from './named-file.js';

interface Codec {
  readonly form: 'document' | 'lines' | 'folder';
  readonly shape: Shape;
}

interface FolderFile {
  readonly name: string;
  /** null = no source of the result. */
  readonly codec: Codec | null;
  /** Listed in SHA256SUMS. */
  readonly hashed: boolean;
  /** A further name in `check`'s report. */
  readonly checked: string | null;
}

const text = <S extends Shape>(form: Codec['form'], shape: S) => ({ codec: { form, shape }, hashed: true }) as const;
const binary = { codec: null, hashed: true } as const;
const unhashed = { codec: null, hashed: false } as const;

/**
 * A run folder's contents in the order of SHA256SUMS. Hashed files with a codec are the result's sources, beside the
 * capture.
 */
export const files = {
  run: { name: 'run.json', ...text('document', runShape), checked: 'key' },
  plan: { name: 'plan.json', ...text('document', planShape), checked: null },
  timeline: { name: 'timeline.ndjson', ...text('lines', timelineShape), checked: null },
  trace: { name: 'trace.ndjson', ...text('lines', traceShape), checked: null },
  state: { name: 'state', ...text('folder', stateShape), checked: null },
  fixes: { name: 'fixes.json', ...text('document', fixesShape), checked: null },
  discarded: { name: 'discarded.ndjson', ...text('lines', discardedShape), checked: null },
  capture: { name: 'evidence.pcapng', ...binary, checked: 'capture' },
  result: { name: 'result.json', ...binary, checked: 'result' },
  sums: { name: sumsName, ...unhashed, checked: 'hashes' },
  signature: { name: 'SHA256SUMS.sig', ...unhashed, checked: 'signature' },
  custody: { name: 'custody.ndjson', ...unhashed, checked: 'custody' },
  report: { name: 'report.html', ...unhashed, checked: 'report' },
  proveFix: { name: 'prove-fix', ...unhashed, checked: null },
  raw: { name: 'raw', ...unhashed, checked: null },
  unfinished: { name: 'unfinished', ...unhashed, checked: null },
} as const satisfies Readonly<Record<string, FolderFile>>;

/** Checks of a folder. */
export type CheckName = NonNullable<(typeof files)[keyof typeof files]['checked']>;

/** The result's text sources. */
export type JudgedFile = Extract<(typeof files)[keyof typeof files], { readonly codec: object }>;

export const judgedFiles: readonly JudgedFile[] = Object.values(files).filter((file) => file.codec !== null);

/** The capture, gzip. */
export const compressedCapture = `${files.capture.name}.gz`;

/** evidence.pcapng during the run. */
export const partialCapture = `${files.capture.name}.part`;

const documents = judgedFiles.filter(({ codec }) => codec.form !== 'folder');
const leftAtTop: readonly string[] = [...documents, files.capture, files.unfinished]
  .flatMap(({ name }) => [name, `${name}.part`])
  .concat(`${files.result.name}.part`);
const leftBelow = [
  [files.state.name, 'json'],
  [files.raw.name, 'pcapng'],
].map(([folder, end]) => new RegExp(`^${folder}/(?:\\d+-[a-z\\d-]+\\.${end}(?:\\.part)?)?$`));

/** A path that a run without result may leave. Folders end with a slash. */
export function isLeftUnfinished(path: string): boolean {
  return leftAtTop.includes(path) || leftBelow.some((paths) => paths.test(path));
}

/** Plain if it exists, else compressed. */
export async function capturePath(dir: string): Promise<string> {
  const plain = join(dir, files.capture.name);
  const compressed = join(dir, compressedCapture);
  const isThere = (path: string): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    );
  return !(await isThere(plain)) && (await isThere(compressed)) ? compressed : plain;
}

/** A number counts snapshots around events, from 1. */
export function stateFile(step: number, when: 'before' | 'after' | number): string {
  return join(files.state.name, `${step + 1}-${typeof when === 'number' ? `during-${when}` : when}.json`);
}

/** A helper's raw capture of a step. */
export function rawFile(step: number, helper: number): string {
  return join(files.raw.name, `${step + 1}-${helper}.pcapng`);
}

/** VerifyError 69, `evidence-not-writable`. */
export function cannotWrite(path: string, error: unknown): VerifyError {
  const why = messageOf(error);
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

/** Mode 0700, with sub-folders. VerifyError 69 if it exists or fails. */
export async function createFolder(dir: string): Promise<void> {
  await orCannotWrite(dir, async () => {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await chmod(dir, 0o700);
    for (const sub of [files.state.name, files.raw.name]) await mkdir(join(dir, sub), { mode: 0o700 });
  });
}

/** A document's text in a run's folder. */
export function documentText(value: object): string {
  return `${jsonText(value, 2)}\n`;
}

/** Replaces a file atomically, 0600. Follows no link. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const part = `${path}.part`;
  await rm(part, { force: true }); // of a killed writer
  const fd = openNewFile(part);
  try {
    writeFileSync(fd, text);
  } finally {
    closeSync(fd);
  }
  await rename(part, path);
}

/** Writes a JSON document as `writeWhole`; returns its text. */
export async function writeJson(dir: string, name: string, value: object): Promise<string> {
  const path = join(dir, name);
  const text = documentText(value);
  await orCannotWrite(path, () => writeWhole(path, text));
  return text;
}
