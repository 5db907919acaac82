import { etherTypes } from './ethernet.js';
import { readU16, writeU16 } from './bytes.js';

/**
 * One VLAN tag (IEEE 802.1Q 9.6): its type stands where the EtherType stood, then priority, drop bit and 12 bits of
 * VLAN id.
 */
export const vlanTagLength = 4;
/** More tags than any bridge stacks: where a reader stops. */
const maxTags = 8;

function isTagType(etherType: number): boolean {
  return etherType === etherTypes.vlan || etherType === etherTypes.serviceVlan || etherType === 0x9100;
}

export interface TagStack {
  /** VLAN ids, outermost first. */
  readonly ids: readonly number[];
  /** What the innermost tag carries; with more than 8 tags, the type of the ninth. */
  readonly etherType: number;
  readonly payloadAt: number;
}

const noTags: readonly number[] = [];

/** The tags that follow an Ethernet header whose type is `etherType`; null where the frame ends inside one. */
export function parseTags(bytes: Uint8Array, payloadAt: number, end: number, etherType: number): TagStack | null {
  if (!isTagType(etherType)) return { ids: noTags, etherType, payloadAt };
  const ids: number[] = [];
  let type = etherType;
  let at = payloadAt;
  while (isTagType(type) && ids.length < maxTags) {
    if (at + vlanTagLength > Math.min(end, bytes.length)) return null;
    ids.push(readU16(bytes, at) & 0x0fff);
    type = readU16(bytes, at + 2);
    at += vlanTagLength;
  }
  return { ids, etherType: type, payloadAt: at };
}

/** Tag types for a stack: 0x8100 throughout, which is what an 802.1Q bridge looks for. */
export function tagTypes(depth: number): readonly number[] {
  return Array.from({ length: depth }, () => etherTypes.vlan);
}

/**
 * Writes a stack of tags at `typeAt`, where the Ethernet header's type stands, and `etherType` behind the innermost;
 * returns the offset of the payload.
 */
export function writeTags(
  into: Uint8Array,
  typeAt: number,
  ids: readonly number[],
  types: readonly number[],
  etherType: number,
): number {
  let at = typeAt;
  ids.forEach((id, i) => {
    writeU16(into, at, types[i] ?? etherTypes.vlan);
    writeU16(into, at + 2, id & 0x0fff);
    at += vlanTagLength;
  });
  writeU16(into, at, etherType);
  return at + 2;
}
