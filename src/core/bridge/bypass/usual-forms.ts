import type { PacketSocket } from '../../model/packet-socket.js';
import { carriers, type Mac } from '../../model/scenario.js';
import type { HostState } from '../../model/state.js';
import { frameTemplate } from '../../probe/frames/frame.js';
import { isGroupMacText, macBytes } from '../../wire/ethernet.js';
import { askingOnce, type AsksForms, type PlannedForm, plannedFormOf, takesSome } from './packet-sockets.js';

/** EtherType, start of IP and ARP, ports other than DHCP's. */
const ownFrames: readonly { readonly header: readonly number[]; readonly ports: readonly number[] }[] = [
  { header: [0x08, 0x00, 0x45], ports: [34, 36] },
  { header: [0x08, 0x06, 0, 1, 8, 0, 6, 4], ports: [] },
  { header: [0x86, 0xdd], ports: [54, 56] },
];

/** Guests' own frames with unknown content and length. */
export function ownForms(): readonly PlannedForm[] {
  return ownFrames.flatMap(({ header, ports }) => {
    const [typeAt, length] = [12, 60];
    const bytes = new Uint8Array(length).fill(0xff, 0, 6);
    bytes.set(header, typeAt);
    const unknown = new Uint8Array(length).fill(1, 6).fill(0, typeAt, typeAt + header.length);
    const form = { bytes, unknown, ports, isOpen: true } as const;
    return [form, { ...form, unknown: new Uint8Array(unknown).fill(1, 0, 6), isUnicast: true } as const];
  });
}

const someMac = '02:76:69:00:00:02';

function ownFormsTo(mac: Mac): readonly PlannedForm[] {
  const destination = macBytes(mac);
  return ownForms().flatMap(({ isUnicast, ...form }) => {
    if (isUnicast !== true || destination === null) return [];
    const [bytes, unknown] = [Uint8Array.from(form.bytes), Uint8Array.from(form.unknown).fill(0, 0, 6)];
    bytes.set(destination);
    return [{ ...form, bytes, unknown }];
  });
}

/** Lazy: a filter that takes much is asked once. */
function* usualForms({ fdb }: Pick<HostState, 'fdb'>): Generator<PlannedForm> {
  for (const carrier of carriers)
    yield plannedFormOf(
      frameTemplate({
        carrier,
        srcMac: '02:76:69:00:00:01',
        dstMac: someMac,
        vlan: [],
        srcIp: carrier.startsWith('ipv6') ? '2001:db8::1' : '192.0.2.1',
        dstIp: carrier.startsWith('ipv6') ? '2001:db8::2' : '192.0.2.2',
        size: 100,
      }),
    );
  yield* ownForms().filter(({ isUnicast }) => isUnicast !== true);
  const macs = new Set([someMac, ...fdb.flatMap(({ mac }) => (isGroupMacText(mac) ? [] : [mac]))]);
  for (const mac of macs) yield* ownFormsTo(mac);
}

/** Asks each filter once if it takes any usual frame. */
export function asksUsualForms(state: Pick<HostState, 'fdb'>): AsksForms {
  return askingOnce((takes) => isSome(usualForms(state), takes));
}

function isSome(forms: Iterable<PlannedForm>, takes: (form: PlannedForm) => boolean): boolean {
  for (const form of forms) if (takes(form)) return true;
  return false;
}

/** Sockets whose filters take some usual frame. */
export function takingUsual(sockets: readonly PacketSocket[], state: Pick<HostState, 'fdb'>): readonly PacketSocket[] {
  const someForm = asksUsualForms(state);
  return sockets.filter((socket) => takesSome(socket, someForm));
}
