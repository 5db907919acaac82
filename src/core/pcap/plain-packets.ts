import { type BatchBuilder, batchCapacity } from './batch-builder.js';
import { maxBlockLength, maxPacketLength } from './capture-items.js';
import { blockTypes, optionCodes } from './pcapng/options.js';
import type { TimeResolution } from './time-resolution.js';
import { highHalf, lowHalf } from './time-words.js';

/** Code and length of epb_flags as a word of this machine's order. */
const flagsOption = new Uint32Array(Uint16Array.of(optionCodes.packet.flags, 4).buffer)[0] ?? 0;

/**
 * Decodes enhanced packet blocks in a row, as this program and most others write them: in this machine's byte order,
 * times in ns, no options or epb_flags first. Nearly all blocks of a capture are such, and reading them as words takes
 * half the time. Returns the position of the first byte not taken: what begins there is for the decoder to read, or to
 * find fault with. `words`: the bytes from 0 to `to` at least; `from` is at a word. `earlier`: interfaces of earlier
 * sections.
 */
export function takePlainPackets(
  out: BatchBuilder,
  words: Uint32Array,
  from: number,
  to: number,
  interfaces: readonly { readonly resolution: TimeResolution }[],
  earlier: number,
): number {
  let { columns, count } = out;
  let at = from;
  let knownId = -1;
  while (at + 32 <= to) {
    const word = at >>> 2;
    if (words[word] !== blockTypes.packet) break;
    const length = words[word + 1] ?? 0;
    const next = at + length;
    if (next > to || (length & 3) !== 0 || length > maxBlockLength || words[(next >>> 2) - 1] !== length) break;
    const id = words[word + 2] ?? 0;
    if (id !== knownId) {
      if (interfaces[id]?.resolution.fast !== 'ns') break;
      knownId = id;
    }
    const high = words[word + 3] ?? 0;
    const captured = words[word + 5] ?? 0;
    if (high >= 0x8000_0000 || captured > maxPacketLength) break;
    const optionsAt = at + 28 + ((captured + 3) & ~3);
    const end = next - 4;
    let direction = 0;
    if (optionsAt !== end) {
      if (optionsAt + 8 > end || words[optionsAt >>> 2] !== flagsOption) break;
      direction = (words[(optionsAt >>> 2) + 1] ?? 0) & 3;
      if (direction === 3) direction = 0;
    }
    columns.offset[count] = at + 28;
    columns.captured[count] = captured;
    columns.original[count] = words[word + 6] ?? 0;
    columns.interfaceId[count] = earlier + id;
    columns.direction[count] = direction;
    columns.optionsAt[count] = optionsAt;
    columns.optionsLength[count] = end - optionsAt;
    columns.timeWords[2 * count + highHalf] = high;
    columns.timeWords[2 * count + lowHalf] = words[word + 4] ?? 0;
    count += 1;
    at = next;
    if (count === batchCapacity) {
      out.count = count;
      out.flush();
      ({ columns, count } = out);
    }
  }
  out.count = count;
  return at;
}
