import type { JudgeInput } from '../../../core/judge/judge.js';
import type { Result } from '../../../core/model/result.js';
import type { ReportedRun, RunDetails, ShownFrame } from '../../../report/reporter.js';
import { capturePath } from '../../../system/evidence/folder/folder.js';
import { parseFolder } from '../../../system/evidence/folder/parse-folder.js';
import { readCapture } from '../../../system/evidence/read/read-capture.js';

/** Frames that a report shows whole, at most. */
const mostFrames = 60;

/** The first frame of each leak, read from the capture. */
async function firstFrames(dir: string, result: Result): Promise<readonly ShownFrame[]> {
  const numbers = result.steps
    .flatMap((step) => step.findings)
    .filter((finding) => finding.leak)
    .flatMap((finding) => (finding.firstSighting === null ? [] : [finding.firstSighting.frame]));
  const wanted = [...new Set(numbers)].slice(0, mostFrames).sort((a, b) => a - b);
  const shown: ShownFrame[] = [];
  if (wanted.length === 0) return shown;
  for await (const item of readCapture(await capturePath(dir))) {
    if (item.kind !== 'batch') continue;
    for (
      let next = wanted[shown.length];
      next !== undefined && next < item.firstFrame + item.count;
      next = wanted[shown.length]
    ) {
      const packet = next - item.firstFrame;
      const start = item.offset[packet] ?? 0;
      shown.push({
        frame: next,
        bytes: item.bytes.slice(start, start + (item.captured[packet] ?? 0)),
        original: item.original[packet] ?? 0,
      });
    }
    if (shown.length === wanted.length) break;
  }
  return shown;
}

/**
 * What reports need of a run's folder besides its result. `frames`: also the first frame of each leak, for which the
 * capture is read. `known`: what `parseFolder` gives, where it is at hand.
 */
export async function loadDetails(
  dir: string,
  result: Result,
  frames: boolean,
  known: JudgeInput | null = null,
): Promise<RunDetails> {
  return { ...(known ?? (await parseFolder(dir))), frames: frames ? await firstFrames(dir, result) : [] };
}

/** A run's folder with its result, ready to be reported. */
export async function reportedRun(
  dir: string,
  result: Result,
  frames: boolean,
  known: JudgeInput | null = null,
): Promise<ReportedRun> {
  return { result, dir, details: await loadDetails(dir, result, frames, known) };
}
