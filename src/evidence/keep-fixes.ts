import type { Result } from '../core/model/result.js';
import type { FixRecord } from '../system/evidence/folder/fixes.js';
import { files, writeJson } from '../system/evidence/folder/folder.js';
import { writeSums } from './hash.js';
import { replayFolder } from './replay.js';

/** Writes down what became of fixes and judges the folder again, so that its result and its hashes name them. */
export async function keepFixes(dir: string, records: readonly FixRecord[]): Promise<Result> {
  await writeJson(dir, files.fixes, records);
  const result = await replayFolder(dir);
  await writeJson(dir, files.result, result);
  await writeSums(dir);
  return result;
}
