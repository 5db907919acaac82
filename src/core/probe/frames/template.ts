import { macLength } from '../../wire/ethernet.js';
import { checksumOf, sumOf, writeU16 } from '../../wire/bytes.js';
import { tokenLength } from '../../wire/token.js';

/** A frame for tokens to be stamped in. */
export interface FrameTemplate {
  readonly bytes: Uint8Array;
  readonly tokenAt: number;
  /** -1 = none. */
  readonly checksumAt: number;
  /** Of the transport checksum's bytes, without the token. */
  readonly sum: number;
  /** In place of a checksum of 0: 0xffff in UDP, where 0 means none (RFC 768), else 0. */
  readonly zeroAs: 0 | 0xffff;
  /** Each frame has its own source MAC: `06`, the low byte of the run's tag, and the token's index. */
  readonly sweepsSource?: true;
}

/**
 * Writes the frame with the token at `tokens[from, from + 18)` to `out` at `at`, which needs room (else RangeError).
 */
export function stampToken(template: FrameTemplate, out: Uint8Array, at: number, tokens: Uint8Array, from = 0): void {
  out.set(template.bytes, at);
  const target = at + template.tokenAt;
  for (let i = 0; i < tokenLength; i += 1) out[target + i] = tokens[from + i] ?? 0;
  if (template.sweepsSource) {
    out[at + macLength] = 0x06;
    for (let i = 1; i < macLength; i += 1) out[at + macLength + i] = tokens[from + 4 + i] ?? 0;
  }
  if (template.checksumAt < 0) return;
  // Every header in front has an even length, so the token's bytes are whole words of the sum.
  const checksum = checksumOf(template.sum + sumOf(tokens, from, from + tokenLength));
  writeU16(out, at + template.checksumAt, checksum === 0 ? template.zeroAs : checksum);
}
