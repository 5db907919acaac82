import { basename } from 'node:path';
import type { JudgeInput } from '../../../core/judge/judge.js';
import type { Result } from '../../../core/model/result.js';
import type { ShownFrame } from '../../../core/wire/shown-frame.js';
import type { ReportedRun, RunDetails } from '../../../report/reporter.js';
import { firstFrames } from '../../../system/evidence/first-frames.js';
import { capturePath } from '../../../system/evidence/folder/folder.js';
import { parseFolder } from '../../../system/evidence/folder/parse-folder.js';

async function loadDetails(
  dir: string,
  result: Result,
  frames: boolean | readonly ShownFrame[],
  known: JudgeInput | null = null,
): Promise<RunDetails> {
  return {
    ...(known ?? (await parseFolder(dir))),
    frames: frames === true ? await firstFrames(dir, result) : frames || [],
  };
}

/** A folder's run, for reports. */
export async function reportedRun(
  dir: string,
  result: Result,
  frames: boolean | readonly ShownFrame[],
  known: JudgeInput | null = null,
): Promise<ReportedRun> {
  const capture = basename(await capturePath(dir));
  return { result, dir, capture, details: await loadDetails(dir, result, frames, known) };
}
