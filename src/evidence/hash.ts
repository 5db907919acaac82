import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capturePath, files } from './folder.js';
import { readOctets } from './read-octets.js';

/** SHA-256 of a file's bytes, hex, read as a stream; of a compressed one what it stands for. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readOctets(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** The files of a run's folder that its result rests on, with their hashes, in a fixed order. */
export async function hashedFiles(dir: string): Promise<readonly { readonly path: string; readonly sha256: string }[]> {
  const states = (await readdir(join(dir, files.state)).catch(() => [])).filter((name) => name.endsWith('.json'));
  const byStep = states.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? 1 : -1));
  const names = [files.run, files.plan, files.timeline, ...byStep.map((name) => join(files.state, name)), files.capture];
  const hashed: { path: string; sha256: string }[] = [];
  for (const path of names) {
    const sha256 = await hashFile(path === files.capture ? await capturePath(dir) : join(dir, path)).catch(() => null);
    if (sha256 !== null) hashed.push({ path, sha256 });
  }
  return hashed;
}

/** Writes SHA256SUMS over everything that the result rests on and the result itself, in the form that `sha256sum -c` reads. */
export async function writeSums(dir: string): Promise<void> {
  const hashed = await hashedFiles(dir);
  const result = { path: files.result, sha256: await hashFile(join(dir, files.result)) };
  await writeFile(join(dir, files.sums), [...hashed, result].map(({ path, sha256 }) => `${sha256}  ${path}\n`).join(''), { mode: 0o600 });
}
