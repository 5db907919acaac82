import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capturePath, files } from './folder.js';
import { hashFile } from './hash-file.js';

/** The files of a run's folder that its result rests on, with their hashes, in a fixed order. `capture`: the capture's, where somebody has it; asked for last. */
export async function hashedFiles(dir: string, capture?: () => Promise<string>): Promise<readonly { readonly path: string; readonly sha256: string }[]> {
  const states = (await readdir(join(dir, files.state)).catch(() => [])).filter((name) => name.endsWith('.json'));
  const byStep = states.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? 1 : -1));
  const names = [files.run, files.plan, files.timeline, ...byStep.map((name) => join(files.state, name)), files.fixes, files.discarded, files.capture];
  const hashed: { path: string; sha256: string }[] = [];
  for (const path of names) {
    const hash = path !== files.capture ? hashFile(join(dir, path)) : capture === undefined ? hashFile(await capturePath(dir)) : capture();
    const sha256 = await hash.catch(() => null);
    if (sha256 !== null) hashed.push({ path, sha256 });
  }
  return hashed;
}

/** Writes SHA256SUMS over everything that the result rests on and the result itself, in the form that `sha256sum -c` reads. `known`: the hashes of the former. */
export async function writeSums(dir: string, known?: Awaited<ReturnType<typeof hashedFiles>>): Promise<void> {
  const hashed = known ?? await hashedFiles(dir);
  const result = { path: files.result, sha256: await hashFile(join(dir, files.result)) };
  await writeFile(join(dir, files.sums), [...hashed, result].map(({ path, sha256 }) => `${sha256}  ${path}\n`).join(''), { mode: 0o600 });
}
