import { realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { openNetlinkAsker } from './netlink-dump.js';
import { NETLINK_SOCK_DIAG, netlinkAttributes } from '../netlink-socket.js';
import { AF_PACKET, AF_UNIX } from '../socket-constants.js';

const SOCK_DIAG_BY_FAMILY = 20;
/** Of linux/packet_diag.h: PACKET_SHOW_MCLIST and _SHOW_FILTER, PACKET_DIAG_MCLIST and _DIAG_FILTER. */
const shown = 0x02 | 0x20;
const membershipsAttribute = 1;
const filterAttribute = 7;
/** struct packet_diag_mclist. */
const membershipLength = 44;
const membershipTypeAt = 8;
const PACKET_MR_PROMISC = 1;
const requestLength = 20;
const showAt = 8;
/** struct packet_diag_msg behind struct nlmsghdr: family, type, protocol, inode, cookie. */
const typeAt = 17;
const inodeAt = 20;
const attributesAt = 32;
const SOCK_DGRAM = 2;

/** A packet socket. */
export interface SocketReport {
  /** Classic BPF, hex. null = none, or not reported (eBPF). */
  readonly filter: string | null;
  /** Frames and filter begin at the network header (packet(7)). */
  readonly cooked: boolean;
  /** Indexes of interfaces that it holds promiscuous. */
  readonly promiscuous: readonly number[];
}

function heldPromiscuous(memberships: Buffer | undefined): readonly number[] {
  const list = memberships ?? Buffer.alloc(0);
  return Array.from({ length: Math.floor(list.length / membershipLength) }, (_, at) =>
    list.subarray(at * membershipLength),
  ).flatMap((entry) => (entry.readUInt16LE(membershipTypeAt) === PACKET_MR_PROMISC ? [entry.readInt32LE(0)] : []));
}

/** The calling thread's packet sockets by inode (sock_diag(7)). null = no module, or not permitted. */
export function packetSocketReports(): ReadonlyMap<string, SocketReport> | null {
  const asker = openNetlinkAsker(NETLINK_SOCK_DIAG);
  if (asker === null) return null;
  try {
    const request = new Uint8Array(requestLength);
    request[0] = AF_PACKET;
    new DataView(request.buffer).setUint32(showAt, shown, true);
    const answers = asker.ask(SOCK_DIAG_BY_FAMILY, request, 'dump');
    if (answers === null) return null;
    return new Map(
      answers.map(({ bytes }) => {
        const attributes = netlinkAttributes(bytes.subarray(attributesAt));
        const program = attributes.get(filterAttribute);
        const filter = program === undefined || program.length === 0 ? null : program.toString('hex');
        const promiscuous = heldPromiscuous(attributes.get(membershipsAttribute));
        const cooked = bytes.readUInt8(typeAt) === SOCK_DGRAM;
        return [String(bytes.readUInt32LE(inodeAt)), { filter, cooked, promiscuous }];
      }),
    );
  } finally {
    asker.close();
  }
}

/** struct unix_diag_req: family, protocol, padding, states, inode, shown parts, cookie (linux/unix_diag.h). */
const unixRequest = { length: 24, statesAt: 4, showAt: 12, show: 0x01 | 0x02 | 0x04, states: 0xffff_ffff } as const;
/** struct unix_diag_msg behind struct nlmsghdr; UNIX_DIAG_NAME, UNIX_DIAG_VFS and UNIX_DIAG_PEER. */
const ofUnix = { inodeAt: 20, attributesAt: 32, name: 0, vfs: 1, peer: 2 } as const;

/** `/var/run` is a link, but the kernel keeps a socket's name as bound. */
function resolvedPath(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}

/** struct unix_diag_vfs: inode, and device as by MKDEV. */
function vfsOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    const [major, minor] = [(dev >> 8n) & 0xfffn, (dev & 0xffn) | ((dev >> 12n) & 0xfff00n)];
    return `${ino & 0xffff_ffffn} ${(major << 20n) | minor}`;
  } catch {
    return null;
  }
}

/** Inodes of sockets connected to that path's listener (sock_diag(7)). null = not reported. */
export function unixPeers(path: string): ReadonlySet<string> | null {
  const asker = openNetlinkAsker(NETLINK_SOCK_DIAG);
  if (asker === null) return null;
  try {
    const request = new Uint8Array(unixRequest.length);
    request[0] = AF_UNIX;
    const view = new DataView(request.buffer);
    view.setUint32(unixRequest.statesAt, unixRequest.states, true);
    view.setUint32(unixRequest.showAt, unixRequest.show, true);
    const answers = asker.ask(SOCK_DIAG_BY_FAMILY, request, 'dump');
    if (answers === null) return null;
    const [wanted, file] = [resolvedPath(path), vfsOf(path)];
    return new Set(
      answers.flatMap(({ bytes }) => {
        const attributes = netlinkAttributes(bytes.subarray(ofUnix.attributesAt));
        const [peer, vfs] = [attributes.get(ofUnix.peer), attributes.get(ofUnix.vfs)];
        if (peer === undefined) return [];
        const name = attributes.get(ofUnix.name)?.toString('utf8').replace(/\0$/, '');
        const isFile = file !== null && vfs !== undefined && `${vfs.readUInt32LE(0)} ${vfs.readUInt32LE(4)}` === file;
        const isNamed = name !== undefined && basename(name) === basename(path) && resolvedPath(name) === wanted;
        return isFile || isNamed ? [String(peer.readUInt32LE(0))] : [];
      }),
    );
  } finally {
    asker.close();
  }
}
