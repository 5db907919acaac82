import { writeU16 } from './bytes.js';

/** RFC 4861 4: messages without options, and options in units of 8 bytes. */
export const routerAdvertisementLength = 16;
export const neighbourAdvertisementLength = 24;
export const linkAddressOptionLength = 8;
/** Option 253 (RFC 4727 5.1.3) with 22 bytes; receivers skip unknown options (RFC 4861 4.6). */
export const experimentOptionLength = 24;

/** Lifetime 0, "not a default router". */
export function writeRouterAdvertisement(into: Uint8Array, at: number): number {
  into.fill(0, at, at + routerAdvertisementLength);
  into[at] = 134;
  into[at + 4] = 64;
  return at + routerAdvertisementLength;
}

/** Unsolicited, with override flag. */
export function writeNeighbourAdvertisement(into: Uint8Array, at: number, target: Uint8Array): number {
  into.fill(0, at, at + neighbourAdvertisementLength);
  into[at] = 136;
  into[at + 4] = 0x20;
  into.set(target, at + 8);
  return at + neighbourAdvertisementLength;
}

/** Option `source` (1) or `target` (2). */
export function writeLinkAddress(into: Uint8Array, at: number, whose: 'source' | 'target', mac: Uint8Array): number {
  writeU16(into, at, ((whose === 'source' ? 1 : 2) << 8) | 1);
  into.set(mac, at + 2);
  return at + linkAddressOptionLength;
}

/** Writes an empty option for experiments; its data start 2 bytes later. */
export function writeExperiment(into: Uint8Array, at: number): number {
  into.fill(0, at, at + experimentOptionLength);
  writeU16(into, at, (253 << 8) | (experimentOptionLength / 8));
  return at + 2;
}
