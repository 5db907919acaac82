import { readU16, writeU16 } from './bytes.js';

/** LLC (IEEE 802.2) with SNAP, for other protocols in 802.3 frames (RFC 1042). */
export const llcSnapLength = 8;
const llcLength = 3;
/** Larger values are EtherTypes (IEEE 802.3 3.2.6). */
export const maxInLengthField = 1500;

const information = 0x03;

/** Writes LLC and SNAP with OUI 0. */
export function writeSnap(into: Uint8Array, at: number, etherType: number): number {
  into.set([0xaa, 0xaa, information, 0, 0, 0], at);
  writeU16(into, at + 6, etherType);
  return at + llcSnapLength;
}

/** The EtherType behind OUI 0. */
export function parseSnap(
  bytes: Uint8Array,
  at: number,
  end: number,
): { readonly etherType: number; readonly payloadAt: number } | null {
  if (at < 0 || at + llcSnapLength > Math.min(end, bytes.length)) return null;
  if (
    readU16(bytes, at) !== 0xaaaa ||
    bytes[at + 2] !== information ||
    readU16(bytes, at + 3) !== 0 ||
    bytes[at + 5] !== 0
  )
    return null;
  return { etherType: readU16(bytes, at + 6), payloadAt: at + llcSnapLength };
}

/** IEEE 802.1D-2004 9.3.1, without LLC. */
const configurationBpduLength = 35;

export interface BpduFields {
  readonly root: { readonly priority: number; readonly mac: Uint8Array };
  readonly messageAgeS: number;
  readonly maxAgeS: number;
  readonly helloS: number;
  readonly forwardDelayS: number;
}

/** Writes LLC 42 42 03 and a root bridge's BPDU (path cost 0, port 0x8001). Times in 1/256 s. */
export function writeConfigurationBpdu(into: Uint8Array, at: number, fields: BpduFields): number {
  into.set([0x42, 0x42, 0x03], at);
  const bpdu = at + llcLength;
  into.fill(0, bpdu, bpdu + configurationBpduLength);
  for (const identifierAt of [bpdu + 5, bpdu + 17]) {
    writeU16(into, identifierAt, fields.root.priority);
    into.set(fields.root.mac, identifierAt + 2);
  }
  writeU16(into, bpdu + 25, 0x8001);
  [fields.messageAgeS, fields.maxAgeS, fields.helloS, fields.forwardDelayS].forEach((seconds, i) =>
    writeU16(into, bpdu + 27 + 2 * i, seconds * 256),
  );
  return bpdu + configurationBpduLength;
}
