import { describeFrame, type ParsedFrame } from './frame-view.js';
import { findToken } from './token.js';

/** A frame of the evidence that reports show: its headers are read already, and JSON carries it. */
export interface ShownFrame {
  /** 1-based frame number in evidence.pcapng. */
  readonly frame: number;
  /** Length on the wire; more than `captured` if the capture was cut. */
  readonly original: number;
  /** Bytes in the capture. */
  readonly captured: number;
  /** The first of them, at most `maxShownBytes`, two hexadecimal digits each. */
  readonly hex: string;
  /** null = it is cut off within Ethernet and its tags. */
  readonly headers: ParsedFrame | null;
  /** null = it has no token. */
  readonly token: { readonly runTag: number; readonly index: number } | null;
}

/** Bytes of a frame that are shown. */
export const maxShownBytes = 256;

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
