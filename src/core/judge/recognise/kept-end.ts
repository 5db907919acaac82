import { viewFrame } from '../../wire/frame-view.js';
import { tokenAt, tokenLength } from '../../wire/token.js';

/**
 * Where a frame ends once its payload is cut: behind its headers, and behind its token where it carries one, so that it
 * is judged as before. A frame that is not even Ethernet keeps nothing. Offsets into `bytes`, as `start` and `end`.
 */
export function keptEnd(bytes: Uint8Array, start: number, end: number, runTag: number | null): number {
  const view = viewFrame(bytes, start, end);
  if (view === null) return start;
  const token = tokenAt(bytes, start, end, runTag, view.payloadAt);
  return Math.min(end, Math.max(view.payloadAt, token < 0 ? start : token + tokenLength));
}
