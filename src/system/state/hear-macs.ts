import { readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { packetTypes } from '../../core/pcap/ring/block.js';
import { deafness } from '../../core/bridge/view.js';
import type { FdbState, HostState, LinkState } from '../../core/model/state.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { type BpfInstruction, encodeBpf, loadPacketType, refuse } from '../kernel/bpf.js';
import { libc } from '../kernel/libc.js';
import { inNamespace } from '../kernel/namespaces.js';
import { attachFilter, linkAddress, linkAddressLength, openUnboundPacketSocket } from '../kernel/packet-socket.js';

/** Destination and source of an Ethernet frame. */
const addressesLength = 12;
const everyProtocol = 0x0003; // ETH_P_ALL
/** What comes in, cut to its addresses. */
const incomingAddresses: readonly BpfInstruction[] = [
  loadPacketType,
  [0x15, 0, 1, packetTypes.outgoing],
  refuse,
  [0x06, 0, 0, addressesLength],
];
const stepMs = 50;

/** Ports of bridges that learn nothing from anybody, at which no station is on record. */
function unknownPorts({ links, fdb }: HostState): readonly LinkState[] {
  const hubs = new Set(links.filter(({ bridge }) => bridge?.['ageing_time'] === 0).map(({ name }) => name));
  const known = new Set(fdb.filter(({ state }) => state !== 'permanent').map(({ port }) => port));
  return links.filter((link) => hubs.has(link.master ?? '') && deafness(link) === null && !known.has(link.name));
}

/** null = this user may not listen, or the port went. */
function openEar({ ifindex }: LinkState): number | null {
  try {
    const fd = openUnboundPacketSocket();
    attachFilter(fd, encodeBpf(incomingAddresses));
    if (libc().bind(fd, linkAddress(ifindex, everyProtocol), linkAddressLength) >= 0) return fd;
    libc().close(fd);
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
  }
  return null;
}

/** Sources of the frames that wait at a socket. */
function sourcesAt(fd: number): readonly string[] {
  const sources: string[] = [];
  const frame = Buffer.alloc(addressesLength);
  for (;;) {
    try {
      if (readSync(fd, frame, 0, addressesLength, null) < addressesLength) return sources;
    } catch {
      return sources; // EAGAIN: there are no more; ENETDOWN: the port went
    }
    if (((frame[6] ?? 1) & 1) === 0) sources.push(frame.toString('hex', 6, 12).replaceAll(/(..)(?=.)/g, '$1:'));
  }
}

/**
 * Listens at ports of bridges with `ageing_time 0`, whose forwarding database never says who is behind which, until
 * each of them has spoken or `forMs` are over. Gives what the database would have: an entry for each source that came
 * in. Nothing is sent; nothing at all is done where each is known, or where the user may not listen.
 */
export async function hearMacs(state: HostState, netns: string | null, forMs: number): Promise<readonly FdbState[]> {
  const ports = unknownPorts(state);
  if (ports.length === 0) return [];
  const ears = inNamespace(netns, () =>
    ports.flatMap((port) => {
      const fd = openEar(port);
      return fd === null ? [] : [{ port, fd, macs: new Set<string>() }];
    }),
  );
  try {
    for (let waited = 0; waited < forMs && ears.some(({ macs }) => macs.size === 0); waited += stepMs) {
      await sleep(stepMs);
      for (const { fd, macs } of ears) for (const mac of sourcesAt(fd)) macs.add(mac);
    }
  } finally {
    for (const { fd } of ears) libc().close(fd);
  }
  return ears.flatMap(({ port: { name, master }, macs }) =>
    [...macs].map((mac) => ({
      mac,
      port: name,
      master,
      vlan: null,
      state: 'dynamic',
      flags: [],
      usedS: null,
      updatedS: null,
    })),
  );
}
