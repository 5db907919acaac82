import { entriesOn, linkAt, linkNamed } from '../host.js';
import type { Observer } from '../../model/plan.js';
import { receives, type PacketSocket, type SocketProcess } from '../../model/packet-socket.js';
import { type HostState, type LinkState, pairKinds } from '../../model/state.js';
import type { FrameTemplate } from '../../probe/frames/template.js';
import { isGroupMacText } from '../../wire/ethernet.js';
import { readU16 as typeAt } from '../../wire/bytes.js';
import { tokenLength } from '../../wire/token.js';
import type { Bypass } from './bypasses.js';
import { runBpf, type SeenFrame } from './run-bpf.js';
import { routingMasters } from './segment.js';

/** Frames of one form, as somebody else's socket would get them; of some bytes it is not known what they are. */
export type PlannedForm = Pick<SeenFrame, 'bytes' | 'unknown' | 'isOpen' | 'ports' | 'isUnicast'>;

/** True if one of the planned forms is taken; `by`: protocol and filter of the socket, which decide that. */
export type AsksForms = (by: string, takes: (form: PlannedForm) => boolean) => boolean;

/** Asks each filter once. */
export function askingOnce(some: (takes: (form: PlannedForm) => boolean) => boolean): AsksForms {
  const answers = new Map<string, boolean>();
  return (by, takes) => {
    const answer = answers.get(by) ?? some(takes);
    answers.set(by, answer);
    return answer;
  };
}

const etherTypeAt = 12;
const headerLength = 14;
const tagLength = 4;
const tagTypes: readonly number[] = [0x8100, 0x88a8, 0x9100];
/** A tag of a VLAN that is not known. */
const someTag = [
  [0x81, 0],
  [0x00, 0],
  [0, 1],
  [0, 1],
] as const;
const everyProtocol = 0x0003; // ETH_P_ALL
/** Length fields stand where the type of newer frames does; ETH_P_802_3 and ETH_P_802_2 of linux/if_ether.h. */
const leastType = 0x0600;
const lengthProtocols: readonly number[] = [0x0001, 0x0004];
/** What a bridge or the host changes of a packet on its way, by offset in its header: identification, TTL, checksum. */
const changedOnWay: Readonly<Record<number, readonly number[]>> = { 0x0800: [4, 5, 8, 10, 11], 0x86dd: [7] };

/** What differs from frame to frame of a form is not known: the token, its checksum, a source that changes. */
export function plannedFormOf({ bytes, tokenAt, checksumAt, sweepsSource }: FrameTemplate): PlannedForm {
  const unknown = new Uint8Array(bytes.length);
  unknown.fill(1, tokenAt, tokenAt + tokenLength);
  if (checksumAt >= 0) unknown.fill(1, checksumAt, checksumAt + 2);
  if (sweepsSource === true) unknown.fill(1, etherTypeAt / 2, etherTypeAt);
  let typeOffset = etherTypeAt;
  while (tagTypes.includes(typeAt(bytes, typeOffset))) typeOffset += tagLength;
  for (const at of changedOnWay[typeAt(bytes, typeOffset)] ?? []) unknown[typeOffset + 2 + at] = 1;
  return { bytes, unknown };
}

/** A frame without the bytes between two offsets, or with others there. */
function spliced(
  { bytes, unknown, ports, ...rest }: PlannedForm,
  start: number,
  end: number,
  middle: readonly (readonly [value: number, unknown: number])[],
): PlannedForm {
  const shift = middle.length - (end - start);
  const into = (array: Uint8Array, part: readonly number[]): Uint8Array => {
    const joined = new Uint8Array(array.length + shift);
    joined.set(array.subarray(0, start));
    joined.set(part, start);
    joined.set(array.subarray(end), start + part.length);
    return joined;
  };
  return {
    ...rest,
    bytes: into(
      bytes,
      middle.map(([value]) => value),
    ),
    unknown: into(
      unknown,
      middle.map(([, isUnknown]) => isUnknown),
    ),
    ...(ports === undefined ? {} : { ports: ports.map((port) => port + shift) }),
  };
}

/**
 * The frame as a socket may see it: with its tags among the bytes, and with the outermost aside, where the kernel has
 * it of what comes in and of what it sends to a device that tags by itself (skb->vlan_tci). A bridge that filters
 * VLANs tags what was sent without: then that is among the bytes of some that leave, which only a socket for every
 * frame gets.
 */
function* sightsOf(form: PlannedForm, protocol: number): Generator<SeenFrame> {
  yield asItStands(form);
  if (isTagged(form)) yield asItStands(spliced(form, etherTypeAt, etherTypeAt + tagLength, []));
  else if (protocol === everyProtocol) yield asItStands(spliced(form, etherTypeAt, etherTypeAt, someTag));
}

function isTagged({ bytes }: PlannedForm): boolean {
  return tagTypes.includes(typeAt(bytes, etherTypeAt));
}

/** With a tag among the bytes, the network header is in front of or behind that. */
function asItStands(form: PlannedForm): SeenFrame {
  const protocol = typeAt(form.bytes, etherTypeAt);
  return { ...form, dataAt: 0, networkAt: isTagged(form) ? null : headerLength, protocol };
}

function isOfProtocol(protocol: number, etherType: number): boolean {
  return (
    protocol === everyProtocol ||
    protocol === etherType ||
    (etherType < leastType && lengthProtocols.includes(protocol))
  );
}

/** True if the socket gets frames of that form: by its protocol, and by its filter where the kernel reports it. */
function takes(socket: PacketSocket, program: Uint8Array | null, form: PlannedForm): boolean {
  const protocol = Number.parseInt(socket.protocol, 16);
  for (const frame of sightsOf(form, protocol)) {
    if (!isOfProtocol(protocol, frame.protocol)) continue;
    if (program === null) return true;
    if (runBpf(program, socket.cooked === true ? { ...frame, dataAt: headerLength } : frame) !== 0) return true;
  }
  return false;
}

/** True if the socket gets frames of one of the forms that `someForm` asks for. */
export function takesSome(socket: PacketSocket, someForm: AsksForms): boolean {
  const program = bytesOf(socket.filter);
  const by = `${socket.protocol} ${socket.cooked === true ? 'cooked ' : ''}${socket.filter ?? ''}`;
  return someForm(by, (form) => takes(socket, program, form));
}

function bytesOf(hex: string | null | undefined): Uint8Array | null {
  return typeof hex === 'string' ? Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)) : null;
}

/** Of a state what says whose sockets there are. */
export type SocketState = Pick<HostState, 'links' | 'ovs' | 'packetSockets'>;

/** This program's relay, as it is reported among the holders of sockets. */
export const relayName = 'verify-isolation relay';

/** Open vSwitch in user space, which is the bridge: its sockets carry what its flows say. */
const trustedName = 'ovs-vswitchd';

/** True if a process is Open vSwitch: it holds the lock of its pid file. A state that does not say goes by the name. */
export function isSwitch({ pid, name }: SocketProcess, { ovs }: Pick<HostState, 'ovs'>): boolean {
  return name === trustedName && ovs !== undefined && (ovs.daemon === undefined || ovs.daemon?.pid === pid);
}

/**
 * True if Open vSwitch carries there what its own flows say: at a bridge of these that is its own, and at its ports. It
 * may have a socket elsewhere, at a bridge of the kernel that is a port of one that nobody lists: that is a way out.
 */
function isOvsDevice({ ifindex }: PacketSocket, state: SocketState, bridges: ReadonlySet<string>): boolean {
  const link = linkAt(state, ifindex);
  return (
    link !== undefined &&
    (state.ovs?.bridges ?? []).some(({ name }) => bridges.has(name) && (link.name === name || link.master === name))
  );
}

/** This program's relay carries frames for an endpoint behind the bridge, Open vSwitch those of the bridge itself. */
function isOfPlan(socket: PacketSocket, state: SocketState, bridges: ReadonlySet<string>): boolean {
  const { holders, own: isOwn } = socket;
  const isKnown = (holder: SocketProcess): boolean =>
    holder.name === relayName || (isSwitch(holder, state) && isOvsDevice(socket, state, bridges));
  return isOwn || (holders.length > 0 && holders.every(isKnown));
}

/** What the frames are on: bridges as they are listed, and all devices that frames of theirs come to. */
export interface ListedBridges {
  readonly bridges: ReadonlySet<string>;
  readonly segment: ReadonlySet<string>;
  /** Ports of guests at which it is listened. */
  readonly guestPorts: ReadonlySet<string>;
}

/**
 * True if a device is the end of a pair that a guest has, such as VMware bridged to a veth: what a process gets there
 * has left by the guest's port, where it is listened, and the process is the guest.
 */
function isGuestsOwn({ kind, lower = '', master }: LinkState, guestPorts: ReadonlySet<string>): boolean {
  return pairKinds.includes(kind) && master === null && guestPorts.has(lower);
}

/** By the file of the program that holds it; nothing if its holders run several. */
function persistentName({ holders }: PacketSocket): Pick<Bypass, 'persistent'> {
  const [path, ...others] = new Set(holders.map(({ program }) => program?.path));
  return path === undefined || others.length > 0 ? {} : { persistent: `packet socket of ${path}` };
}

/** Processes that get probes by packet sockets: they can carry them anywhere, late, and past the ears. */
export function socketBypasses(
  state: SocketState,
  { bridges, segment, guestPorts }: ListedBridges,
  someForm: AsksForms,
): readonly Bypass[] {
  return (state.packetSockets ?? []).flatMap((socket): readonly Bypass[] => {
    const link = linkAt(state, socket.ifindex);
    const device = socket.ifindex === 0 ? 'every interface' : (link?.name ?? '');
    if (!receives(socket) || isOfPlan(socket, state, bridges) || (socket.ifindex !== 0 && !segment.has(device)))
      return [];
    if (link !== undefined && isGuestsOwn(link, guestPorts)) return [];
    if (!takesSome(socket, someForm)) return [];
    const who = [...new Set(socket.holders.map(({ name }) => name))].join(', ');
    return [
      {
        what: `packet socket of ${who === '' ? 'a process that cannot be seen' : who}`,
        where: device,
        remedy: 'end it, or give it a filter that refuses what probes are',
        ...persistentName(socket),
        holders: socket.holders,
      },
    ];
  });
}

/** How often a socket holds a device promiscuous: once at most, as far as the kernel does not report it. */
function holdsOn({ promiscuous, ifindex: bound }: PacketSocket, ifindex: number): number {
  return promiscuous === undefined
    ? Number(bound === ifindex)
    : promiscuous.filter((index) => index === ifindex).length;
}

/**
 * Bridges that more hold promiscuous than can be seen (dev_set_promiscuity): a module, or a device of a namespace that
 * was not found, gets every frame. Counted with the most that each may hold: the user's flag, addresses of devices on
 * it (once, __dev_set_rx_mode), these devices, packet sockets, a switch whose port it is.
 */
export function unseenHolders(observers: readonly Observer[], state: HostState): readonly Bypass[] {
  const { links, packetSockets } = state;
  if (packetSockets === undefined || packetSockets === null) return [];
  const bridges = new Set(observers.map(({ bridge }) => bridge));
  return links
    .filter(({ name, kind }) => kind === 'bridge' && bridges.has(name))
    .flatMap((link): readonly Bypass[] => {
      const hasOthers = entriesOn(state, link.name).some(
        ({ master, mac }) => master === null && mac !== link.mac && !isGroupMacText(mac),
      );
      const above = observers.filter(({ bridge, device }) => bridge === link.name && device !== undefined);
      const known =
        Number(link.flags.includes('PROMISC')) +
        Number(hasOthers) +
        Number(link.master !== null && !routingMasters.includes(linkNamed(state, link.master)?.kind)) +
        above.length +
        links.filter(({ lower }) => lower === link.name).length +
        packetSockets.reduce((sum, socket) => sum + holdsOn(socket, link.ifindex), 0);
      const remedy =
        'a module or a process out of sight holds it: find it (dmesg), run where all processes are seen, or list it under trust';
      return (link.promiscuity ?? 0) > known
        ? [{ what: 'promiscuous mode that nothing explains', where: link.name, remedy }]
        : [];
    });
}
