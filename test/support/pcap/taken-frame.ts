import type { TakenFrame } from '../../../src/system/capture/engine.js';

/** A frame as an engine hands it over: these bytes whole. */
export function frameOf(bytes: Buffer, seconds: number, nanoseconds: number, outgoing = true): TakenFrame {
  const { length } = bytes;
  return { bytes, offset: 0, captured: length, original: length, seconds, nanoseconds, outgoing };
}
