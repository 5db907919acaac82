import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { continueJudging, finishJudging } from '../../core/judge/judge.js';
import type { RunRecord } from '../../core/model/run-record.js';
import { type CollateInput, type Collation, collate } from './collate/collate.js';
import type { CollatingWhileRunning, JudgedWhileRunning } from './collate-while-running.js';
import { files, partialCapture, writeJson } from './folder/folder.js';
import { captureHosts } from './folder/timeline-log.js';
import { hashedBeside, withCapture } from './folder/hash.js';
import { parseFolder, type WrittenFiles } from './folder/parse-folder.js';
import { type JudgedRun, judgeCapture, judgeFolder } from './replay.js';

export interface FinishedRun extends Omit<CollateInput, 'path' | 'hosts'> {
  /** As it stands in run.json: without key and capture. */
  readonly record: RunRecord;
  /** What else the run has written into its folder. */
  readonly written: WrittenFiles;
  /** Captures that were put in order while the run went on; null = none were. */
  readonly streaming: CollatingWhileRunning | null;
  readonly onJudging: () => void;
}

/** Reveals the key, and says which file evidence.pcapng is. */
async function close({ dir, record, key }: FinishedRun, { sha256, packets, discarded }: Collation): Promise<RunRecord> {
  const closed = {
    ...record,
    key: Buffer.from(key).toString('hex'),
    capture: { sha256, packets, ...(discarded === null ? {} : { discarded }) },
  };
  await writeJson(dir, files.run.name, closed);
  return closed;
}

/**
 * Judges what was put in order, and counted, while the run went on; the folder's other files are read while that ends.
 */
async function judgeStreamed(run: FinishedRun, { collation, judging, judged }: JudgedWhileRunning): Promise<JudgedRun> {
  const { dir, record, written } = run;
  const input = await parseFolder(dir, { ...written, run: record });
  const collated = await collation.catch(async (error: unknown) => {
    await rm(join(dir, partialCapture), { force: true });
    throw error;
  });
  const sha256 = await judged;
  await rename(join(dir, partialCapture), join(dir, files.capture.name));
  const complete = { ...input, run: await close(run, collated) };
  if (collated.discarded !== null) return judgeFolder(dir);
  const counted = continueJudging(judging, complete);
  if (counted === null) return judgeCapture(dir, async () => complete);
  return {
    result: finishJudging(counted, { sha256, files: withCapture(await hashedBeside(dir), sha256) }),
    input: complete,
  };
}

/**
 * Collates the captures of a run that has ended, reveals the key and judges what the folder then holds: what
 * `judgeFolder` says of it. Rejects where the file system takes no more.
 */
export async function judgeRun(run: FinishedRun): Promise<JudgedRun> {
  const streamed = (await run.streaming?.finish(run.counters)) ?? null;
  if (streamed !== null) {
    run.onJudging();
    return judgeStreamed(run, streamed);
  }
  const closed = await close(run, await collate({ ...run, hosts: captureHosts(run.written.timeline ?? []) }));
  run.onJudging();
  const discardedSha256 = closed.capture?.discarded?.sha256;
  return judgeCapture(run.dir, () => parseFolder(run.dir, { ...run.written, run: closed, discardedSha256 }));
}
