import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { continueJudging, finishJudging, startJudging } from '../../core/judge/judge.js';
import type { RunRecord } from '../../core/model/run-record.js';
import { mayStartThreads } from '../process/threads.js';
import { type CollateInput, type Collation, collate } from './collate/collate.js';
import { collateInWorker } from './collate/worker-client.js';
import type { CollatingWhileRunning, JudgedWhileRunning } from './collate-while-running.js';
import { files, growingCapture, writeJson } from './folder/folder.js';
import { hashedBeside, withCapture } from './folder/hash.js';
import { parseFolder, type WrittenFiles } from './folder/parse-folder.js';
import { growingFile } from './read/growing-file.js';
import { type JudgedRun, judgeCapture, judgeFolder, judgeGrowing } from './replay.js';

/** From this many bytes of captures on a thread is worth its start. */
const worthAThread = 32 * 1024 * 1024;

export interface FinishedRun extends Omit<CollateInput, 'path'> {
  /** As it stands in run.json: without key and capture. */
  readonly record: RunRecord;
  /** What else the run has written into its folder. */
  readonly written: WrittenFiles;
  /** Captures that were put in order while the run went on; null = none were. */
  readonly along: CollatingWhileRunning | null;
  readonly onJudging: () => void;
}

async function bytesOf(dir: string): Promise<number> {
  const names = await readdir(join(dir, files.raw)).catch(() => []);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(dir, files.raw, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Reveals the key, and says which file evidence.pcapng is. */
async function close({ dir, record, key }: FinishedRun, { sha256, packets, discarded }: Collation): Promise<RunRecord> {
  const closed = {
    ...record,
    key: Buffer.from(key).toString('hex'),
    capture: { sha256, packets, ...(discarded === null ? {} : { discarded }) },
  };
  await writeJson(dir, files.run, closed);
  return closed;
}

/**
 * Judges what was put in order, and counted, while the run went on; the folder's other files are read while that ends.
 */
async function judgeAlong(run: FinishedRun, { collation, judging, judged }: JudgedWhileRunning): Promise<JudgedRun> {
  const { dir } = run;
  const input = await parseFolder(dir, run.written);
  const collated = await collation.catch(async (error: unknown) => {
    await rm(join(dir, growingCapture), { force: true });
    throw error;
  });
  const sha256 = await judged;
  await rename(join(dir, growingCapture), join(dir, files.capture));
  const whole = { ...input, run: await close(run, collated) };
  if (collated.discarded !== null) return judgeFolder(dir);
  const counted = continueJudging(judging, whole);
  if (counted === null) return judgeCapture(dir, async () => whole);
  return {
    result: finishJudging(counted, { sha256, files: withCapture(await hashedBeside(dir), sha256) }),
    input: whole,
  };
}

/**
 * Judges evidence.pcapng while a thread writes it: what is read is what the file has, and its hash is that of what was
 * read. Frames that were counted and not kept are judged before those that were, and known last: where there are any,
 * the folder is judged anew, and there is little in it then.
 */
async function judgeBeside(run: FinishedRun): Promise<JudgedRun> {
  const { dir, key, application, clocks, counters, inferred, keep } = run;
  const growing = growingFile(join(dir, files.capture));
  const { collation } = collateInWorker(
    { dir, key, application, clocks, counters, inferred, keep, growing: false },
    growing,
  );
  const input = await parseFolder(dir);
  const judging = startJudging({ ...input, run: { ...input.run, key: Buffer.from(key).toString('hex') } });
  const sha256 = await judgeGrowing(judging, growing);
  const collated = await collation;
  const closed = await close(run, collated);
  if (collated.discarded !== null) return judgeFolder(dir);
  const result = finishJudging(judging, {
    sha256,
    closed: { capture: closed.capture, ...(closed.timeline === undefined ? {} : { timeline: closed.timeline }) },
    files: withCapture(await hashedBeside(dir), sha256),
  });
  return { result, input: { ...input, run: closed } };
}

/**
 * Collates the captures of a run that has ended, reveals the key and judges what the folder then holds: what
 * `judgeFolder` says of it. Large captures are collated by a thread of their own. Rejects where the file system takes
 * no more.
 */
export async function judgeRun(run: FinishedRun): Promise<JudgedRun> {
  const along = (await run.along?.finish(run.counters)) ?? null;
  if (along !== null) {
    run.onJudging();
    return judgeAlong(run, along);
  }
  // What is discarded is judged before what is kept, and known last.
  if (mayStartThreads() && run.keep === 'all' && (await bytesOf(run.dir)) >= worthAThread) {
    run.onJudging();
    return judgeBeside(run);
  }
  const closed = await close(run, await collate(run));
  run.onJudging();
  const discardedSha256 = closed.capture?.discarded?.sha256;
  return judgeCapture(run.dir, () => parseFolder(run.dir, { ...run.written, run: closed, discardedSha256 }));
}
