import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { continueJudging, finishJudging, type JudgeInput } from '../../core/judge/judge.js';
import type { RunRecord } from '../../core/model/run-record.js';
import type { TimelineEntry } from '../../core/model/timeline.js';
import { type CollateInput, type Collation, collate } from './collate/collate.js';
import type { CollatingWhileRunning, JudgedWhileRunning } from './collate-while-running.js';
import { files, partialCapture, writeJson } from './folder/folder.js';
import { captureHosts } from './folder/timeline-log.js';
import { hashedBeside, withCapture } from './folder/hash.js';
import { parseFolder, type WrittenPlanFile } from './folder/parse-folder.js';
import { type JudgedRun, judgeCapture } from './replay.js';

export interface FinishedRun extends Omit<CollateInput, 'path' | 'hosts'> {
  /** run.json without key and capture. */
  readonly record: RunRecord;
  readonly timeline: readonly TimelineEntry[];
  /** null = another process wrote it. */
  readonly planFile: WrittenPlanFile | null;
  readonly streaming: CollatingWhileRunning | null;
  readonly onJudging: () => void;
}

async function close({ dir, record, key }: FinishedRun, { sha256, packets, discarded }: Collation): Promise<RunRecord> {
  const closed = {
    ...record,
    key: Buffer.from(key).toString('hex'),
    capture: { sha256, packets, ...(discarded === null ? {} : { discarded }) },
  };
  await writeJson(dir, files.run.name, closed);
  return closed;
}

async function judgeStreamed(run: FinishedRun, { collation, counting }: JudgedWhileRunning): Promise<JudgedRun> {
  const { dir, planFile } = run;
  const readFolder = (): Promise<JudgeInput> => parseFolder(dir, planFile);
  const input = counting === null ? null : await readFolder();
  const collated = await collation.catch(async (error: unknown) => {
    await rm(join(dir, partialCapture), { force: true });
    throw error;
  });
  const sha256 = counting === null ? null : await counting.judged;
  await rename(join(dir, partialCapture), join(dir, files.capture.name));
  const closed = await close(run, collated);
  if (input === null || counting === null || collated.discarded !== null) return judgeCapture(dir, readFolder);
  const complete = { ...input, run: closed };
  const counted = continueJudging(counting.judging, complete);
  if (counted === null) return judgeCapture(dir, async () => complete);
  return {
    result: finishJudging(counted, { sha256, files: withCapture(await hashedBeside(dir), sha256) }),
    input: complete,
  };
}

/** Collates, reveals the key, and judges as `judgeFolder`. Rejects if the file system refuses. */
export async function judgeRun(run: FinishedRun): Promise<JudgedRun> {
  const streamed = (await run.streaming?.finish(run.counters)) ?? null;
  if (streamed !== null) {
    run.onJudging();
    return judgeStreamed(run, streamed);
  }
  await close(run, await collate({ ...run, hosts: captureHosts(run.timeline) }));
  run.onJudging();
  return judgeCapture(run.dir, () => parseFolder(run.dir, run.planFile));
}
