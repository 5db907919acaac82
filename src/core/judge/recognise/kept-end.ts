import { viewFrame } from '../../wire/frame-view.js';
import { tokenAt, tokenLength } from '../../wire/token.js';

/**
 * Where a frame ends once its payload is cut: behind its headers, and behind the last token that it carries, so that it
 * is judged as before. A frame that is not even Ethernet, and has no token, keeps nothing. Offsets into `bytes`, as
 * `start` and `end`.
 */
export function keptEnd(bytes: Uint8Array, start: number, end: number, runTag: number | null): number {
  let kept = viewFrame(bytes, start, end)?.payloadAt ?? start;
  for (let at = tokenAt(bytes, start, end, runTag, -1); at >= 0; at = tokenAt(bytes, at + 1, end, runTag, -1))
    kept = Math.max(kept, at + tokenLength);
  return Math.min(end, kept);
}
