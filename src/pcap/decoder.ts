/** Octets that a decoder looks at, with the position in the file of the first. */
export interface Window {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly fileOffset: number;
}

export function windowOf(bytes: Uint8Array, fileOffset: number): Window {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), fileOffset };
}

/** One format's way from octets to items. */
export interface Decoder {
  /** Takes whole blocks or records from `from` on; returns the position of the first octet not taken, or -1 after fatal damage. */
  decode(window: Window, from: number, to: number): number;
  /** Octets from `from` on that the next block or record needs to be whole, as far as can be told. Only asked where `decode` stopped. */
  needed(window: Window, from: number, to: number): number;
}
