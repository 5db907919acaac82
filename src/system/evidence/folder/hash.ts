import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readBytes } from '../read/read-bytes.js';
import { capturePath, files, writeWhole } from './folder.js';

/** A file that a result rests on, relative to its folder. */
interface HashedFile {
  readonly path: string;
  readonly sha256: string;
}

/** The files of a run's folder that its result rests on beside the capture, with their hashes, in a fixed order. */
export async function hashedBeside(dir: string): Promise<readonly HashedFile[]> {
  const states = (await readdir(join(dir, files.state)).catch(() => [])).filter((name) => name.endsWith('.json'));
  const byStep = states.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? 1 : -1));
  const hashed: HashedFile[] = [];
  for (const path of [
    files.run,
    files.plan,
    files.timeline,
    ...byStep.map((name) => join(files.state, name)),
    files.fixes,
    files.discarded,
  ]) {
    const sha256 = await hashFile(join(dir, path)).catch(() => null);
    if (sha256 !== null) hashed.push({ path, sha256 });
  }
  return hashed;
}

/** The same and the capture. `sha256`: its hash; null = it cannot be read. */
export function withCapture(beside: readonly HashedFile[], sha256: string | null): readonly HashedFile[] {
  return sha256 === null ? beside : [...beside, { path: files.capture, sha256 }];
}

/**
 * Writes SHA256SUMS over everything that the result rests on and the result itself, in the form that `sha256sum -c`
 * reads. `known`: the hashes of the former.
 */
export async function writeSums(dir: string, known?: readonly HashedFile[]): Promise<void> {
  const hashed =
    known ?? withCapture(await hashedBeside(dir), await hashFile(await capturePath(dir)).catch(() => null));
  const result = { path: files.result, sha256: await hashFile(join(dir, files.result)) };
  await writeWhole(
    join(dir, files.sums),
    [...hashed, result].map(({ path, sha256 }) => `${sha256}  ${path}\n`).join(''),
  );
}

/** SHA-256 of a file's bytes, hex, read as a stream; of a compressed one what it stands for. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readBytes(path, { fleeting: true, regular: true })) hash.update(chunk);
  return hash.digest('hex');
}
