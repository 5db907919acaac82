import { maxShownBytes, type ShownFrame } from '../../core/wire/shown-frame.js';

/** A line of a decoded frame. */
export interface Layer {
  readonly name: string;
  readonly text: string;
}

const typeNames: Readonly<Record<number, string>> = {
  0x0800: 'IPv4',
  0x0806: 'ARP',
  0x86dd: 'IPv6',
  0x88b5: 'local experimental',
};
/** All others are IPv4. */
const addressLayers: ReadonlyMap<number, string> = new Map([
  [0x0806, 'ARP'],
  [0x86dd, 'IPv6'],
]);
const protocolNames: Readonly<Record<number, string>> = { 1: 'ICMP', 6: 'TCP', 17: 'UDP', 58: 'ICMPv6' };

/** A frame's headers in words, outermost first. */
export function decodeFrame(
  { headers: frame, token, captured }: ShownFrame,
  nameOf: (mac: string) => string | null,
): readonly Layer[] {
  if (frame === null) return [{ name: 'Ethernet', text: `cut off after ${captured} bytes` }];
  const mac = (text: string): string => (nameOf(text) === null ? text : `${text} (${nameOf(text) ?? ''})`);
  const type = `0x${frame.etherType.toString(16).padStart(4, '0')}`;
  const layers: Layer[] = [
    { name: 'Ethernet', text: `${mac(frame.srcMac)} → ${mac(frame.dstMac)}` },
    ...frame.vlan.map((vid) => ({ name: 'VLAN tag', text: `VLAN ${vid}` })),
    {
      name: 'Type',
      text: `${type}${typeNames[frame.etherType] === undefined ? '' : `, ${typeNames[frame.etherType] ?? ''}`}`,
    },
  ];
  if (frame.srcIp !== null && frame.dstIp !== null) {
    const hops = frame.hopLimit === null ? '' : `, ${frame.hopLimit} hops left`;
    const protocol =
      frame.protocol === null
        ? ''
        : `, ${protocolNames[frame.protocol] ?? `protocol ${frame.protocol}`}${frame.icmpType === null ? '' : ` type ${frame.icmpType}`}`;
    layers.push({
      name: addressLayers.get(frame.etherType) ?? 'IPv4',
      text: `${frame.srcIp} → ${frame.dstIp}${hops}${protocol}`,
    });
  }
  layers.push(
    token === null
      ? { name: 'Payload', text: `${Math.max(0, captured - frame.payloadAt)} bytes, no token` }
      : { name: 'Token', text: `run ${token.runTag.toString(16).padStart(8, '0')}, index ${token.index}` },
  );
  return layers;
}

/** Offset, 16 bytes and ASCII a line. */
export function hexDump({ hex, captured }: ShownFrame): string {
  const shown = hex.match(/../g) ?? [];
  const lines: string[] = [];
  for (let at = 0; at < shown.length; at += 16) {
    const row = shown.slice(at, at + 16);
    const letters = row
      .map((digits) => Number.parseInt(digits, 16))
      .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'))
      .join('');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${row.join(' ').padEnd(47)}  ${letters}`);
  }
  if (captured > maxShownBytes) lines.push(`… ${captured - maxShownBytes} bytes more`);
  return lines.join('\n');
}
