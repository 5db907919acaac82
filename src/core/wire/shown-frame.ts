import { matching, number, type Of, orNull, strict } from '../model/shape/shape.js';
import { describeFrame, parsedFrameShape } from './frame-view.js';
import { findToken } from './token.js';

export const maxShownBytes = 256;

export const shownFrameShape = strict({
  /** From 1, in evidence.pcapng. */
  frame: number,
  /** On the wire; above `captured` if cut. */
  original: number,
  captured: number,
  hex: matching(new RegExp(`^([0-9a-f]{2}){0,${maxShownBytes}}$`)),
  /** null = cut within Ethernet and its tags. */
  headers: orNull(parsedFrameShape),
  token: orNull({ runTag: number, index: number }),
});
/** A frame of the evidence for reports and JSON. */
export type ShownFrame = Of<typeof shownFrameShape>;

/** Total over arbitrary bytes. */
export function showFrame(frame: number, bytes: Uint8Array, original: number): ShownFrame {
  const headers = describeFrame(bytes);
  const found = headers === null ? null : findToken(bytes, 0, bytes.length, null, headers.payloadAt);
  return {
    frame,
    original,
    captured: bytes.length,
    hex: Array.from(bytes.subarray(0, maxShownBytes), (byte) => byte.toString(16).padStart(2, '0')).join(''),
    headers,
    token: found === null ? null : { runTag: found.runTag, index: found.index },
  };
}
