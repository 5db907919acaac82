import { type BatchBuilder, batchCapacity } from './batch-builder.js';
import { maxBlockLength, maxPacketLength } from './capture-items.js';
import { blockTypes, optionCodes } from './pcapng/options.js';
import type { TimeResolution } from './time-resolution.js';
import { highHalf, lowHalf } from './time-words.js';

const flagsOption = new Uint32Array(Uint16Array.of(optionCodes.packet.flags, 4).buffer)[0] ?? 0;

interface PlainSection {
  readonly interfaces: readonly { readonly resolution: TimeResolution }[];
  readonly earlier: number;
}

function plainLength(words: Uint32Array, at: number, to: number): number {
  const word = at >>> 2;
  if (at + 32 > to || words[word] !== blockTypes.packet) return 0;
  const length = words[word + 1] ?? 0;
  const isWhole = at + length <= to && (length & 3) === 0 && length <= maxBlockLength;
  return isWhole && words[((at + length) >>> 2) - 1] === length ? length : 0;
}

/** 0 = no option, -1 = another first option. */
function directionAt(words: Uint32Array, at: number, end: number): number {
  if (at + 8 > end || words[at >>> 2] !== flagsOption) return -1;
  const direction = (words[(at >>> 2) + 1] ?? 0) & 3;
  return direction === 3 ? 0 : direction;
}

/**
 * Decodes usual enhanced packets by words, in half the time: this machine's byte order, ns, no options or epb_flags
 * first. Gives the first position not taken. `from` is aligned, and `words` reach from 0 to `to`.
 */
export function takePlainPackets(
  out: BatchBuilder,
  words: Uint32Array,
  from: number,
  to: number,
  { interfaces, earlier }: PlainSection,
): number {
  let { columns, count } = out;
  let at = from;
  let knownId = -1;
  for (let length = plainLength(words, at, to); length > 0; length = plainLength(words, at, to)) {
    const word = at >>> 2;
    const next = at + length;
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
    const direction = optionsAt === end ? 0 : directionAt(words, optionsAt, end);
    if (direction < 0) break;
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
