/**
 * Which frames of the bridge device a relay hands to the endpoint behind it: those to one of its MACs, to groups and to
 * everybody, or all if it asked for `everything`; never those whose source is the endpoint itself, which would come
 * back to where they are from.
 */
export function isForGuest(macs: readonly string[], everything: boolean): (frame: Buffer, octets: number) => boolean {
  const own = new Set(macs.map(keyOfText));
  return (frame, octets) => {
    if (octets < 14) return false; // no Ethernet header (IEEE 802.3 clause 3)
    if (own.has(keyAt(frame, 6))) return false;
    const isGroup = (frame.readUInt8(0) & 1) === 1;
    return everything || isGroup || own.has(keyAt(frame, 0));
  };
}

/** 48 bits fit a number exactly. */
function keyAt(frame: Buffer, offset: number): number {
  return frame.readUIntBE(offset, 6);
}

function keyOfText(mac: string): number {
  return Number.parseInt(mac.replaceAll(':', ''), 16);
}
