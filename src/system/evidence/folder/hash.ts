import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readBytes } from '../read/read-bytes.js';
import { reason, type Reason } from '../../../core/model/reasons.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { readRegularIfThere } from '../read/regular-file.js';
import { capturePath, files, judgedFiles, writeWhole } from './folder.js';
import { maxSumsBytes } from './named-file.js';
import { wayBelow } from './reach-folder.js';
import { someText } from '../../../core/text/names.js';

interface HashedFile {
  readonly path: string;
  readonly sha256: string;
}

/** The same of a file below a folder: through no link, also on the way there. */
export async function hashBelow(dir: string, path: string): Promise<string> {
  const way = wayBelow(dir, path);
  try {
    return await hashFile(way.path);
  } finally {
    way.close();
  }
}

/** The result's sources beside the capture, in a fixed order. */
export async function hashedBeside(dir: string): Promise<readonly HashedFile[]> {
  const states = (await readdir(join(dir, files.state.name)).catch(() => [])).filter((name) => name.endsWith('.json'));
  const byStep = states.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? 1 : -1));
  const paths = judgedFiles.flatMap(({ name, codec }) =>
    codec.form === 'folder' ? byStep.map((state) => join(name, state)) : [name],
  );
  const hashed: HashedFile[] = [];
  for (const path of paths) {
    const sha256 = await hashBelow(dir, path).catch(() => null);
    if (sha256 !== null) hashed.push({ path, sha256 });
  }
  return hashed;
}

/** The same and the capture. `sha256`: its hash; null = it cannot be read. */
export function withCapture(beside: readonly HashedFile[], sha256: string | null): readonly HashedFile[] {
  return sha256 === null ? beside : [...beside, { path: files.capture.name, sha256 }];
}

/** Covers the result and its sources, for `sha256sum -c`. `known`: the sources' hashes. */
export async function writeSums(dir: string, known?: readonly HashedFile[]): Promise<void> {
  const hashed =
    known ?? withCapture(await hashedBeside(dir), await hashFile(await capturePath(dir)).catch(() => null));
  const result = { path: files.result.name, sha256: await hashFile(join(dir, files.result.name)) };
  await writeWhole(
    join(dir, files.sums.name),
    [...hashed, result].map(({ path, sha256 }) => `${sha256}  ${path}\n`).join(''),
  );
}

/** Empty without SHA256SUMS, as after a run that did not end. */
function changedFiles(dir: string, hashed: readonly HashedFile[]): readonly string[] {
  let text: string | null;
  try {
    text = readRegularIfThere(join(dir, files.sums.name), maxSumsBytes);
  } catch {
    return [files.sums.name];
  }
  if (text === null) return [];
  const listed = new Map<string, string>();
  for (const [, sha256 = '', path = ''] of text.matchAll(/^([0-9a-f]{64}) [ *](.+)$/gm)) listed.set(path, sha256);
  listed.delete(files.result.name);
  const changed = hashed.filter(({ path, sha256 }) => listed.get(path) !== sha256).map(({ path }) => path);
  for (const { path } of hashed) listed.delete(path);
  return [...changed, ...listed.keys()];
}

const maxNamed = 5;

function changedText(changed: readonly string[]): string {
  const what = `${someText(changed, maxNamed)} ${changed.length === 1 ? 'is' : 'are'}`;
  return `${what} not what the run wrote, by ${files.sums.name}`;
}

/** Reasons why files that differ from SHA256SUMS prove nothing. */
export function changedSince(dir: string, hashed: readonly HashedFile[]): readonly Reason[] {
  const changed = changedFiles(dir, hashed);
  if (changed.length === 0) return [];
  return [reason('evidence-incomplete', null, `${changedText(changed)}: see verify-isolation check`)];
}

/** Throws VerifyError (3) if a source that decides on leaks, other than the capture, was changed. */
export async function mustBeAsWritten(dir: string): Promise<void> {
  const changed = changedFiles(dir, await hashedBeside(dir)).filter((path) => path !== files.capture.name);
  if (changed.length > 0)
    throw new VerifyError(
      'evidence-not-whole',
      3,
      `${dir}: ${changedText(changed)}`,
      'see verify-isolation check; frames can be exported without --only leaks',
    );
}

/** SHA-256, hex, of the decompressed bytes. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readBytes(path, { fleeting: true, regular: true })) hash.update(chunk);
  return hash.digest('hex');
}
