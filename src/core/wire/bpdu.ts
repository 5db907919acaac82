import { llcLength } from './llc.js';
import { writeU16 } from './octets.js';

/** A configuration BPDU (IEEE 802.1D-2004 9.3.1) without its LLC. */
export const configurationBpduLength = 35;

export interface BpduFields {
  readonly root: { readonly priority: number; readonly mac: Uint8Array };
  readonly messageAgeS: number;
  readonly maxAgeS: number;
  readonly helloS: number;
  readonly forwardDelayS: number;
}

/**
 * Writes LLC 42 42 03 and a BPDU of a bridge that is the root itself (path cost 0, port 0x8001); returns the offset of
 * what follows. Times are counted in 1/256 s.
 */
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
