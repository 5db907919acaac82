import type { JudgeInput } from '../../../core/judge/judge.js';
import type { Result } from '../../../core/model/result.js';
import type { ShownFrame } from '../../../core/wire/shown-frame.js';
import type { ReportedRun, RunDetails } from '../../../report/reporter.js';
import { firstFrames } from '../../../system/evidence/first-frames.js';
import { parseFolder } from '../../../system/evidence/folder/parse-folder.js';

/**
 * What reports need of a run's folder besides its result. `frames`: also the first frame of each leak, for which the
 * capture is read where they are not at hand. `known`: what `parseFolder` gives, where it is at hand.
 */
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

/** A run's folder with its result, ready to be reported. */
export async function reportedRun(
  dir: string,
  result: Result,
  frames: boolean | readonly ShownFrame[],
  known: JudgeInput | null = null,
): Promise<ReportedRun> {
  return { result, dir, details: await loadDetails(dir, result, frames, known) };
}
