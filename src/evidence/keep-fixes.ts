import type { Result } from '../model/result.js';
import { files, writeJson } from './folder.js';
import { writeSums } from './hash.js';
import type { FixRecord } from './read-fixes.js';
import { replayFolder } from './replay.js';

/** Writes down what became of fixes and judges the folder again, so that its result and its hashes name them. */
export async function keepFixes(dir: string, records: readonly FixRecord[]): Promise<Result> {
  await writeJson(dir, files.fixes, records);
  const result = await replayFolder(dir);
  await writeJson(dir, files.result, result);
  await writeSums(dir);
  return result;
}
