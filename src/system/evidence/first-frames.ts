import type { Result } from '../../core/model/result.js';
import { type ShownFrame, showFrame } from '../../core/wire/shown-frame.js';
import { capturePath } from './folder/folder.js';
import { readCapture } from './read/read-capture.js';

const maxFrames = 60;

/** The first frame of each leak. */
export async function firstFrames(dir: string, result: Result): Promise<readonly ShownFrame[]> {
  const numbers = result.steps
    .flatMap((step) => step.findings)
    .filter((finding) => finding.leak)
    .flatMap((finding) => (finding.firstSighting === null ? [] : [finding.firstSighting.frame]));
  const wanted = [...new Set(numbers)].slice(0, maxFrames).sort((a, b) => a - b);
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
      const bytes = item.bytes.subarray(start, start + (item.captured[packet] ?? 0));
      shown.push(showFrame(next, bytes, item.original[packet] ?? 0));
    }
    if (shown.length === wanted.length) break;
  }
  return shown;
}
