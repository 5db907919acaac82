import type { PacketSocket } from '../../model/packet-socket.js';
import { carriers } from '../../model/scenario.js';
import { frameTemplate } from '../../probe/frames/frame.js';
import { type PlannedForm, plannedFormOf, takesOneOf } from './packet-sockets.js';

/** What is known of guests' own frames: EtherType, what IP and ARP begin with, and that no port is one of DHCP's. */
const ownFrames: readonly { readonly header: readonly number[]; readonly ports: readonly number[] }[] = [
  { header: [0x08, 0x00, 0x45], ports: [34, 36] },
  { header: [0x08, 0x06, 0, 1, 8, 0, 6, 4], ports: [] },
  { header: [0x86, 0xdd], ports: [54, 56] },
];

/** Frames that guests send of themselves, to one or to all: whatever else is in them is not known, nor their length. */
export function ownForms(): readonly PlannedForm[] {
  const [typeAt, length] = [12, 60];
  return ownFrames.flatMap(({ header, ports }) => {
    const bytes = new Uint8Array(length).fill(0xff, 0, 6);
    bytes.set(header, typeAt);
    const unknown = new Uint8Array(length).fill(1, 6).fill(0, typeAt, typeAt + header.length);
    const form = { bytes, unknown, ports, isOpen: true } as const;
    return [form, { ...form, unknown: new Uint8Array(unknown).fill(1, 0, 6), isUnicast: true } as const];
  });
}

/** A probe of each carrier, as steps send them that say nothing else, and guests' own frames. */
export function usualForms(): readonly PlannedForm[] {
  const probes = carriers.map((carrier) =>
    plannedFormOf(
      frameTemplate({
        carrier,
        srcMac: '02:76:69:00:00:01',
        dstMac: '02:76:69:00:00:02',
        vlan: [],
        srcIp: carrier.startsWith('ipv6') ? '2001:db8::1' : '192.0.2.1',
        dstIp: carrier.startsWith('ipv6') ? '2001:db8::2' : '192.0.2.2',
        size: 100,
      }),
    ),
  );
  return [...probes, ...ownForms()];
}

/** Whether a socket gets any of them: a filter may refuse all. */
export function takesUsual(socket: PacketSocket): boolean {
  return takesOneOf(socket, usualForms());
}
