import { matching, number, type Of, orNull, strict } from '../model/shape/shape.js';
import { describeFrame, parsedFrameShape } from './frame-view.js';
import { findToken } from './token.js';

/** Bytes of a frame that are shown. */
export const maxShownBytes = 256;

export const shownFrameShape = strict({
  /** 1-based frame number in evidence.pcapng. */
  frame: number,
  /** Length on the wire; more than `captured` if the capture was cut. */
  original: number,
  /** Bytes in the capture. */
  captured: number,
  /** The first of them, at most `maxShownBytes`, two hexadecimal digits each. */
  hex: matching(new RegExp(`^([0-9a-f]{2}){0,${maxShownBytes}}$`)),
  /** null = it is cut off within Ethernet and its tags. */
  headers: orNull(parsedFrameShape),
  /** null = it has no token. */
  token: orNull({ runTag: number, index: number }),
});
/** A frame of the evidence that reports show: its headers are read already, and JSON carries it. */
export type ShownFrame = Of<typeof shownFrameShape>;

/** Reads the frame of this number; total over arbitrary bytes. */
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
