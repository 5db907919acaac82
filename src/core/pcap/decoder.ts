/** Bytes that a decoder looks at, with the position in the file of the first. */
export interface Window {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The same as words of this machine's order; null where the bytes do not begin at a word. */
  readonly words: Uint32Array | null;
  readonly fileOffset: number;
}

export function windowOf(bytes: Uint8Array, fileOffset: number): Window {
  const { buffer, byteOffset, byteLength } = bytes;
  return {
    bytes,
    view: new DataView(buffer, byteOffset, byteLength),
    words: (byteOffset & 3) === 0 ? new Uint32Array(buffer, byteOffset, byteLength >>> 2) : null,
    fileOffset,
  };
}

/** One format's way from bytes to items. */
export interface Decoder {
  /**
   * Takes whole blocks or records from `from` on; returns the position of the first byte not taken, or -1 after fatal
   * damage.
   */
  decode(window: Window, from: number, to: number): number;
  /**
   * Bytes from `from` on that the next block or record needs to be whole, as far as can be known. Only asked where
   * `decode` stopped.
   */
  needed(window: Window, from: number, to: number): number;
}
