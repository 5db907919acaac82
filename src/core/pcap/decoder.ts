/** A decoder's bytes at a position of the file. */
export interface Window {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** In this machine's byte order; null = not aligned. */
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

export interface Decoder {
  /** Takes complete blocks or records; gives the first position not taken, -1 after fatal damage. */
  decode(window: Window, from: number, to: number): number;
  /** Bytes from `from` that the next block or record needs, as far as known. */
  needed(window: Window, from: number, to: number): number;
}
