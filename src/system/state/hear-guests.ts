import { readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Neighbour } from '../../core/discover/host-topology.js';
import { packetTypes } from '../../core/pcap/ring/block.js';
import { portsOf } from '../../core/bridge/host.js';
import { deafness, isDeafToSources, isOutward, isPromiscuous, macsBehind } from '../../core/bridge/view.js';
import type { FdbState, HostState, LinkState, SenderBehind } from '../../core/model/state.js';
import { assertKnown } from '../../core/model/verify-error.js';
import { arpLength, parseArp } from '../../core/wire/arp.js';
import { ethernetLength, macBytes, macText } from '../../core/wire/ethernet.js';
import { type BpfInstruction, encodeBpf, loadPacketType, refuse } from '../kernel/bpf.js';
import { libc } from '../kernel/libc.js';
import { inNamespace } from '../kernel/namespaces.js';
import { attachFilter, linkAddress, linkAddressLength, openUnboundPacketSocket } from '../kernel/packet-socket.js';
import { given, namesIn } from '../../core/text/collections.js';

const addressesLength = 12;
const arpFrameLength = ethernetLength + arpLength;
const protocols = { all: 0x0003, arp: 0x0806 } as const; // ETH_P_ALL, ETH_P_ARP
const stepMs = 50;

function incoming(length: number): readonly BpfInstruction[] {
  return [loadPacketType, [0x15, 0, 1, packetTypes.outgoing], refuse, [0x06, 0, 0, length]];
}

function outgoingOfOthers(mac: string, length: number): readonly BpfInstruction[] {
  const view = new DataView((macBytes(mac) ?? new Uint8Array(6)).buffer);
  return [
    loadPacketType,
    [0x15, 0, 5, packetTypes.outgoing],
    [0x20, 0, 0, 6], // ld [6]: the source's first four bytes
    [0x15, 0, 2, view.getUint32(0)],
    [0x28, 0, 0, 10], // ldh [10]
    [0x15, 1, 0, view.getUint16(4)],
    [0x06, 0, 0, length],
    refuse,
  ];
}

/** Facts heard from guests. */
export interface HeardGuests {
  /** Entries that a bridge with `ageing_time 0` would have. */
  readonly fdb: readonly FdbState[];
  /** By port with `learning off`, unless the bridge has it there. */
  readonly macs: ReadonlyMap<string, string>;
  readonly neighbours: readonly Neighbour[];
  readonly behind: readonly SenderBehind[];
}

interface Ear {
  readonly link: LinkState;
  readonly fd: number;
  readonly heard: Set<string>;
}

function macsAt(link: LinkState, state: HostState): readonly string[] {
  return macsBehind(state, link.master ?? '', link.name);
}

/** A port with entries that adds none: a locked one drops frames of other MACs, an uplink's senders are elsewhere. */
function mayLackEntries(link: LinkState, links: readonly LinkState[]): boolean {
  return isDeafToSources(link, { links }) && !isOutward(link) && link.port?.['locked'] !== true;
}

function portsToHear(links: readonly LinkState[], known: ReadonlySet<string>): readonly LinkState[] {
  const hubs = new Set(links.filter(({ bridge }) => bridge?.['ageing_time'] === 0).map(({ name }) => name));
  return links.filter((link) => {
    if (deafness(link) !== null) return false;
    if (known.has(link.name)) return mayLackEntries(link, links);
    return hubs.has(link.master ?? '') || isDeafToSources(link, { links });
  });
}

function macsWithoutAddress(
  state: HostState,
  neighbours: readonly Neighbour[],
): ReadonlyMap<string, readonly string[]> {
  const known = new Set(neighbours.flatMap(({ mac, address }) => (address.includes(':') ? [] : [mac])));
  const bridges = state.links.filter(({ kind }) => kind === 'bridge');
  const wanted = bridges.map(({ name }) => {
    const guests = portsOf(state, name).filter((link) => !isOutward(link));
    return [name, guests.flatMap((link) => macsAt(link, state)).filter((mac) => !known.has(mac))] as const;
  });
  return new Map(wanted.filter(([, macs]) => macs.length > 0));
}

function openEar(link: LinkState, protocol: number, program: readonly BpfInstruction[]): Ear | null {
  try {
    const fd = openUnboundPacketSocket();
    attachFilter(fd, encodeBpf(program));
    if (libc().bind(fd, linkAddress(link.ifindex, protocol), linkAddressLength) >= 0)
      return { link, fd, heard: new Set() };
    libc().close(fd);
  } catch (error) {
    assertKnown(error);
  }
  return null;
}

function* framesAt(fd: number, length: number): Generator<Uint8Array> {
  for (;;) {
    const frame = new Uint8Array(length);
    try {
      const read = readSync(fd, frame, 0, length, null);
      if (read < addressesLength) return;
      yield frame.subarray(0, read);
    } catch {
      return; // EAGAIN: there are no more; ENETDOWN: the device went
    }
  }
}

function sourceOf(frame: Uint8Array): string | null {
  return ((frame[6] ?? 1) & 1) === 0 ? macText(frame.subarray(6, 12)) : null;
}

/** A guest's or the host's own frame may come back by an uplink. */
function isReflected(mac: string, link: LinkState, { fdb, links }: HostState): boolean {
  if (!isOutward(link) || !isDeafToSources(link, { links })) return false;
  return links.some((known) => known.mac === mac) || fdb.some((entry) => entry.mac === mac && entry.port !== link.name);
}

/** At a port with entries: a MAC that the bridge has nowhere, and that talks to another, so that answers flood. */
function isFurther(mac: string, frame: Uint8Array, { master }: LinkState, fdb: readonly FdbState[]): boolean {
  const isUnicast = ((frame[0] ?? 1) & 1) === 0;
  return isUnicast && !fdb.some((entry) => entry.mac === mac && entry.master === master);
}

/** null = a probe without address (RFC 5227), or another's MAC. */
function arpSender(frame: Uint8Array): Omit<Neighbour, 'device'> | null {
  const arp = parseArp(frame, ethernetLength, frame.length);
  const mac = sourceOf(frame);
  if (arp === null || mac === null || macText(frame.subarray(arp.senderMacAt, arp.senderMacAt + 6)) !== mac)
    return null;
  const address = frame.subarray(arp.senderIpAt, arp.senderIpAt + 4).join('.');
  return address === '0.0.0.0' ? null : { mac, address };
}

/** Hears senders with other MACs than their bridge device's. */
export interface BehindWatch {
  readonly bridges: readonly string[];
  readonly unheard: readonly string[];
  take(): readonly SenderBehind[];
  close(): void;
}

/**
 * Guests receive only behind promiscuous bridge devices. A bridge that is itself a port sends its switch's frames.
 * `names`: absent = all.
 */
export function watchBehind(
  links: readonly LinkState[],
  netns: string | null,
  names?: ReadonlySet<string>,
): BehindWatch {
  const bridges = links.filter(
    (link) =>
      link.kind === 'bridge' &&
      link.master === null &&
      isPromiscuous(link) &&
      (names === undefined || names.has(link.name)),
  );
  const ears =
    bridges.length === 0
      ? []
      : inNamespace(netns, () =>
          bridges.flatMap((link) => openEar(link, protocols.all, outgoingOfOthers(link.mac, arpFrameLength)) ?? []),
        );
  const heardAt = new Set(ears.map(({ link }) => link.name));
  const senders = new Map<string, SenderBehind>();
  return {
    bridges: [...heardAt],
    unheard: bridges.flatMap(({ name }) => (heardAt.has(name) ? [] : [name])),
    take() {
      for (const { fd, link } of ears)
        for (const frame of framesAt(fd, arpFrameLength)) {
          const mac = sourceOf(frame);
          if (mac === null) continue;
          const key = `${link.name} ${mac}`;
          senders.set(key, {
            bridge: link.name,
            mac,
            ...senders.get(key),
            ...given({ address: arpSender(frame)?.address }),
          });
        }
      return [...senders.values()];
    },
    close() {
      for (const { fd } of ears) libc().close(fd);
    },
  };
}

/**
 * Listens unless all guests are on record: at ports without learning, to ARP from guests without address, at
 * promiscuous bridge devices. Keeps only MACs and addresses. If not permitted, returns what is on record.
 */
export async function hearGuests(
  { state, neighbours }: { readonly state: HostState; readonly neighbours: readonly Neighbour[] },
  netns: string | null,
  forMs: number,
): Promise<HeardGuests> {
  const wanted = macsWithoutAddress(state, neighbours);
  const open = (links: readonly LinkState[], protocol: number, length: number): readonly Ear[] =>
    inNamespace(netns, () => links.flatMap((link) => openEar(link, protocol, incoming(length)) ?? []));
  const known = new Set(namesIn(state.links.filter((link) => macsAt(link, state).length > 0)));
  const atPorts = open(portsToHear(state.links, known), protocols.all, addressesLength);
  const atBridges = open(
    state.links.filter(({ name }) => wanted.has(name) || atPorts.some(({ link }) => link.master === name)),
    protocols.arp,
    arpFrameLength,
  );
  const addresses = new Map<string, Neighbour>();
  let senders: readonly SenderBehind[] = [];
  const hear = (): void => {
    senders = behind.take();
    for (const { fd, link, heard } of atPorts)
      for (const frame of framesAt(fd, addressesLength)) {
        const mac = sourceOf(frame);
        if (mac === null || isReflected(mac, link, state)) continue;
        if (!known.has(link.name) || isFurther(mac, frame, link, state.fdb)) heard.add(mac);
      }
    for (const { fd, link } of atBridges)
      for (const frame of framesAt(fd, arpFrameLength)) {
        const sender = arpSender(frame);
        if (sender !== null) addresses.set(sender.mac, { ...sender, device: link.name });
      }
  };
  const behind = watchBehind(state.links, netns);
  const isKnown = (): boolean =>
    behind.bridges.length === 0 &&
    atPorts.every(({ heard }) => heard.size > 0) &&
    [...wanted.values()].every((macs) => macs.every((mac) => addresses.has(mac)));
  try {
    for (let waited = 0; waited < forMs && !isKnown(); waited += stepMs) {
      await sleep(stepMs);
      hear();
    }
  } finally {
    for (const { fd } of [...atPorts, ...atBridges]) libc().close(fd);
    behind.close();
  }
  return { ...macsHeard(atPorts, state), neighbours: [...addresses.values()], behind: senders };
}

function macsHeard(ears: readonly Ear[], state: HostState): Pick<HeardGuests, 'fdb' | 'macs'> {
  const learning = ears.filter(({ link }) => !isDeafToSources(link, state));
  return {
    fdb: learning.flatMap(({ link: { name, master }, heard }) =>
      [...heard].map((mac) => ({
        mac,
        port: name,
        master,
        vlan: null,
        state: 'dynamic',
        flags: [],
        usedS: null,
        updatedS: null,
      })),
    ),
    macs: new Map(
      ears.flatMap(({ link, heard: [mac] }) =>
        isDeafToSources(link, state) && mac !== undefined ? [[link.name, mac]] : [],
      ),
    ),
  };
}
