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

/** Frames as another process's socket gets them. */
export type PlannedForm = Pick<SeenFrame, 'bytes' | 'unknown' | 'isOpen' | 'ports' | 'isUnicast'>;

/** True if one planned form is taken. `by`: the socket's protocol and filter. */
export type AsksForms = (by: string, takes: (form: PlannedForm) => boolean) => boolean;

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
const someTag = [
  [0x81, 0],
  [0x00, 0],
  [0, 1],
  [0, 1],
] as const;
const everyProtocol = 0x0003; // ETH_P_ALL
/** Lower values are lengths; ETH_P_802_3 and ETH_P_802_2 of linux/if_ether.h. */
const leastType = 0x0600;
const lengthProtocols: readonly number[] = [0x0001, 0x0004];
/** Header offsets of identification, TTL and checksum. */
const changedOnWay: Readonly<Record<number, readonly number[]>> = { 0x0800: [4, 5, 8, 10, 11], 0x86dd: [7] };

/** Unknown bytes: token, checksum, changing source. */
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

/** Tags stand among the bytes or in skb->vlan_tci. A filtering bridge tags leaving frames among the bytes. */
function* sightsOf(form: PlannedForm, protocol: number): Generator<SeenFrame> {
  yield asItStands(form);
  if (isTagged(form)) yield asItStands(spliced(form, etherTypeAt, etherTypeAt + tagLength, []));
  else if (protocol === everyProtocol) yield asItStands(spliced(form, etherTypeAt, etherTypeAt, someTag));
}

function isTagged({ bytes }: PlannedForm): boolean {
  return tagTypes.includes(typeAt(bytes, etherTypeAt));
}

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

function takes(socket: PacketSocket, program: Uint8Array | null, form: PlannedForm): boolean {
  const protocol = Number.parseInt(socket.protocol, 16);
  for (const frame of sightsOf(form, protocol)) {
    if (!isOfProtocol(protocol, frame.protocol)) continue;
    if (program === null) return true;
    if (runBpf(program, socket.cooked === true ? { ...frame, dataAt: headerLength } : frame) !== 0) return true;
  }
  return false;
}

/** True if the socket gets one of the forms. */
export function takesSome(socket: PacketSocket, someForm: AsksForms): boolean {
  const program = bytesOf(socket.filter);
  const by = `${socket.protocol} ${socket.cooked === true ? 'cooked ' : ''}${socket.filter ?? ''}`;
  return someForm(by, (form) => takes(socket, program, form));
}

function bytesOf(hex: string | null | undefined): Uint8Array | null {
  return typeof hex === 'string' ? Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)) : null;
}

export type SocketState = Pick<HostState, 'links' | 'ovs' | 'packetSockets'>;

export const relayName = 'verify-isolation relay';

const trustedName = 'ovs-vswitchd';

/** True of Open vSwitch, by its locked pid file, else by name. */
export function isSwitch({ pid, name }: SocketProcess, { ovs }: Pick<HostState, 'ovs'>): boolean {
  return name === trustedName && ovs !== undefined && (ovs.daemon === undefined || ovs.daemon?.pid === pid);
}

/** A socket at a kernel bridge that is a port of an unlisted one is a way out. */
function isOvsDevice({ ifindex }: PacketSocket, state: SocketState, bridges: ReadonlySet<string>): boolean {
  const link = linkAt(state, ifindex);
  return (
    link !== undefined &&
    (state.ovs?.bridges ?? []).some(({ name }) => bridges.has(name) && (link.name === name || link.master === name))
  );
}

/** The relay serves an endpoint behind the bridge, Open vSwitch the bridge. */
function isOfPlan(socket: PacketSocket, state: SocketState, bridges: ReadonlySet<string>): boolean {
  const { holders, own: isOwn } = socket;
  const isKnown = (holder: SocketProcess): boolean =>
    holder.name === relayName || (isSwitch(holder, state) && isOvsDevice(socket, state, bridges));
  return isOwn || (holders.length > 0 && holders.every(isKnown));
}

/** Listed bridges and the devices that their frames reach. */
export interface ListedBridges {
  readonly bridges: ReadonlySet<string>;
  readonly segment: ReadonlySet<string>;
  readonly guestPorts: ReadonlySet<string>;
}

/** Frames at a guest's end have left by its observed port. */
function isGuestsOwn({ kind, lower = '', master }: LinkState, guestPorts: ReadonlySet<string>): boolean {
  return pairKinds.includes(kind) && master === null && guestPorts.has(lower);
}

function persistentName({ holders }: PacketSocket): Pick<Bypass, 'persistent'> {
  const [path, ...others] = new Set(holders.map(({ program }) => program?.path));
  return path === undefined || others.length > 0 ? {} : { persistent: `packet socket of ${path}` };
}

/** Processes that get probes by packet sockets, and can carry them past every capture. */
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

/** At most one, if the kernel does not report it. */
function holdsOn({ promiscuous, ifindex: bound }: PacketSocket, ifindex: number): number {
  return promiscuous === undefined
    ? Number(bound === ifindex)
    : promiscuous.filter((index) => index === ifindex).length;
}

/**
 * Bridges with more promiscuous users than visible (dev_set_promiscuity): a module or hidden namespace gets every
 * frame. Counts the most that each may hold: user flag, device addresses (__dev_set_rx_mode), devices, sockets, a
 * switch.
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
