import { etherTypes } from './ethernet.js';
import { readU16, writeU16 } from './bytes.js';

/** IEEE 802.1Q 9.6: its type in the EtherType's place, priority, drop bit and 12-bit VLAN id. */
export const vlanTagLength = 4;
const maxTags = 8;

function isTagType(etherType: number): boolean {
  return etherType === etherTypes.vlan || etherType === etherTypes.serviceVlan || etherType === 0x9100;
}

export interface TagStack {
  readonly ids: readonly number[];
  /** Behind the innermost tag; with more than 8 tags, the ninth's type. */
  readonly etherType: number;
  readonly payloadAt: number;
}

const noTags: readonly number[] = [];

/** null = the frame ends inside a tag. */
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

/** 0x8100 throughout, as an 802.1Q bridge expects. */
export function tagTypes(depth: number): readonly number[] {
  return Array.from({ length: depth }, () => etherTypes.vlan);
}

/** Writes tags at `typeAt`, the header type's place, and `etherType` behind. */
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
