import type { Result } from '../../core/model/result.js';
import { capturePath } from './folder/folder.js';
import { readCapture } from './read/read-capture.js';

/** A frame of a run's capture: its number there from 1, its bytes as far as they were kept, its length on the wire. */
export interface SightedFrame {
  readonly frame: number;
  readonly bytes: Uint8Array;
  readonly original: number;
}

/** Frames that a report shows whole, at most. */
const maxFrames = 60;

/** The first frame of each leak, read from the capture. */
export async function firstFrames(dir: string, result: Result): Promise<readonly SightedFrame[]> {
  const numbers = result.steps
    .flatMap((step) => step.findings)
    .filter((finding) => finding.leak)
    .flatMap((finding) => (finding.firstSighting === null ? [] : [finding.firstSighting.frame]));
  const wanted = [...new Set(numbers)].slice(0, maxFrames).sort((a, b) => a - b);
  const shown: SightedFrame[] = [];
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
