import { receives, type HostState, type PacketSocket } from '../../model/state.js';
import type { Bypass } from './bypasses.js';
import { runBpf } from './run-bpf.js';

/** Frames of one form, as somebody else's socket would get them. */
export interface PlannedForm {
  readonly bytes: Uint8Array;
  readonly etherType: number;
}

const etherTypeAt = 12;
const headerLength = 14;
const everyProtocol = 0x0003; // ETH_P_ALL
/** Length fields stand where the type of newer frames does; ETH_P_802_3 and ETH_P_802_2 of linux/if_ether.h. */
const leastType = 0x0600;
const lengthProtocols: readonly number[] = [0x0001, 0x0004];
/** PACKET_HOST to PACKET_OUTGOING (linux/if_packet.h). */
const packetTypes = [0, 1, 2, 3, 4] as const;

/** One frame as a form, by the type behind its MACs. */
export function plannedFormOf(bytes: Uint8Array): PlannedForm {
  return { bytes, etherType: ((bytes[etherTypeAt] ?? 0) << 8) | (bytes[etherTypeAt + 1] ?? 0) };
}

/** Whether the socket gets frames of that form: by its protocol, and by its filter where the kernel reports it. */
function takes(socket: PacketSocket, program: Uint8Array | null, { bytes, etherType }: PlannedForm): boolean {
  const protocol = Number.parseInt(socket.protocol, 16);
  const isOfProtocol =
    protocol === everyProtocol ||
    protocol === etherType ||
    (etherType < leastType && lengthProtocols.includes(protocol));
  if (!isOfProtocol) return false;
  if (program === null) return true;
  const frame = socket.cooked === true ? bytes.subarray(headerLength) : bytes;
  return packetTypes.some((packetType) => runBpf(program, frame, { protocol: etherType, packetType }) !== 0);
}

function bytesOf(hex: string | null | undefined): Uint8Array | null {
  return typeof hex === 'string' ? Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)) : null;
}

/** Of a state what says whose sockets there are. */
export type SocketState = Pick<HostState, 'links' | 'ovs' | 'packetSockets'>;

/** This program's relay carries frames for an endpoint behind the bridge, and Open vSwitch in user space is the bridge. */
function isOfPlan({ holders, own }: PacketSocket, { ovs }: SocketState): boolean {
  const isKnown = (name: string): boolean =>
    name === 'verify-isolation relay' || (ovs !== undefined && name === 'ovs-vswitchd');
  return own || (holders.length > 0 && holders.every(({ name }) => isKnown(name)));
}

/** Processes that get probes by packet sockets: they can carry them anywhere, late, and past the ears. */
export function socketBypasses(
  state: SocketState,
  segment: ReadonlySet<string>,
  formsOf: () => readonly PlannedForm[],
): readonly Bypass[] {
  const names = new Map(state.links.map(({ ifindex, name }) => [ifindex, name]));
  return (state.packetSockets ?? []).flatMap((socket): readonly Bypass[] => {
    const device = socket.ifindex === 0 ? 'every interface' : (names.get(socket.ifindex) ?? '');
    if (!receives(socket) || isOfPlan(socket, state) || (socket.ifindex !== 0 && !segment.has(device))) return [];
    const program = bytesOf(socket.filter);
    if (!formsOf().some((form) => takes(socket, program, form))) return [];
    const who = [...new Set(socket.holders.map(({ name }) => name))].join(', ');
    return [
      {
        what: `packet socket of ${who === '' ? 'a process that cannot be seen' : who}`,
        where: device,
        remedy: 'end it, or give it a filter that refuses what probes are',
      },
    ];
  });
}
