import { writeU16, writeU32 } from './bytes.js';

/** RFC 2131 2, at the least size that BOOTP relays pass on (RFC 1542 2.1). */
export const dhcpLength = 300;
export const dhcpPorts = { server: 67, client: 68 } as const;

export interface OfferFields {
  readonly transaction: number;
  readonly offered: Uint8Array;
  readonly server: Uint8Array;
  readonly clientMac: Uint8Array;
}

/** RFC 2132 9.3: option 52 = 2 puts options into the server name. */
const serverNameAt = 44;
const optionsAt = 240;

/**
 * Writes an offer (RFC 2132) with a lease of 60 s. Gives the offset of 18 free bytes, private option 224 (RFC 3942) in
 * the server name.
 */
export function writeOffer(into: Uint8Array, at: number, fields: OfferFields): number {
  into.fill(0, at, at + dhcpLength);
  into.set([2, 1, 6, 0], at);
  writeU32(into, at + 4, fields.transaction);
  writeU16(into, at + 10, 0x8000); // answer by broadcast
  into.set(fields.offered, at + 16);
  into.set(fields.server, at + 20);
  into.set(fields.clientMac, at + 28);
  writeU32(into, at + 236, 0x63825363);
  into.set(
    [53, 1, 2, 54, 4, ...fields.server, 51, 4, 0, 0, 0, 60, 1, 4, 255, 255, 255, 0, 52, 1, 2, 255],
    at + optionsAt,
  );
  const roomAt = at + serverNameAt + 2;
  into.set([224, 18], at + serverNameAt);
  into[roomAt + 18] = 255;
  return roomAt;
}
