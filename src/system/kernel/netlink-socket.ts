import { readSync } from 'node:fs';
import { assertKnown, systemCode, VerifyError } from '../../core/model/verify-error.js';
import { libc } from './libc.js';
import {
  AF_NETLINK,
  SO_RCVBUF,
  SO_RCVTIMEO,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_NETLINK,
  SOL_SOCKET,
} from './socket-constants.js';

const NETLINK_ADD_MEMBERSHIP = 1;
const FIONBIO = 0x5421;

/** Families of netlink(7). */
export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
/** sock_diag(7). */
export const NETLINK_SOCK_DIAG = 4;
export const NETLINK_XFRM = 6;

/** Messages of rtnetlink(7), linux/rtnetlink.h. */
export const [RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK] = [16, 17, 18] as const;
export const [RTM_NEWADDR, RTM_GETADDR] = [20, 22] as const;
export const [RTM_NEWROUTE, RTM_DELROUTE] = [24, 25] as const;
export const [RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH] = [28, 29, 30] as const;
export const [RTM_NEWRULE, RTM_DELRULE] = [32, 33] as const;
export const [RTM_NEWQDISC, RTM_GETQDISC] = [36, 38] as const;
export const [RTM_NEWTCLASS, RTM_GETTCLASS] = [40, 42] as const;
export const [RTM_NEWTFILTER, RTM_GETTFILTER] = [44, 46] as const;
export const RTM_NEWNETCONF = 80;
export const RTM_GETNSID = 90;
export const [RTM_NEWSTATS, RTM_GETSTATS] = [92, 94] as const;
export const [RTM_NEWNEXTHOP, RTM_DELNEXTHOP] = [104, 105] as const;

export interface NetlinkOptions {
  readonly family: typeof NETLINK_ROUTE | typeof NETLINK_NETFILTER | typeof NETLINK_SOCK_DIAG | typeof NETLINK_XFRM;
  /** By number (RTNLGRP_LINK = 1), not by bit. */
  readonly groups: readonly number[];
  /** Time before EAGAIN. null = never. */
  readonly waitMs: number | null;
  /** Receive buffer in bytes. null = the kernel's default. */
  readonly buffer?: number | null;
}

/**
 * Receives events of the calling thread's network namespace. Throws VerifyError (69), `unsupported` without the family.
 */
export function openNetlink({ family, groups, waitMs, buffer = null }: NetlinkOptions): number {
  const c = libc();
  const fd = c.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | (waitMs === null ? SOCK_NONBLOCK : 0), family);
  if (fd < 0) throw refused();
  try {
    if (buffer !== null) c.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, words(buffer), 4);
    if (waitMs !== null) {
      // struct timeval of 64-bit systems
      const time = new BigInt64Array([BigInt(Math.floor(waitMs / 1000)), BigInt((waitMs % 1000) * 1000)]);
      if (c.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(time.buffer), 16) < 0) throw refused();
    }
    const address = new Uint32Array([0, 0, 0]); // struct sockaddr_nl: family, pad, pid, groups
    new Uint16Array(address.buffer)[0] = AF_NETLINK;
    if (c.bind(fd, new Uint8Array(address.buffer), 12) < 0) throw refused();
    for (const group of groups)
      if (c.setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, words(group), 4) < 0) throw refused();
    return fd;
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

/** As `openNetlink`. null = no such family, `refused` = the error. */
export function openNetlinkIfThere(
  options: NetlinkOptions,
): { readonly fd: number } | { readonly refused: string } | null {
  try {
    return { fd: openNetlink(options) };
  } catch (error) {
    assertKnown(error);
    return error.code === 'unsupported' ? null : { refused: error.message };
  }
}

/** As `openNetlink`. null = not permitted. */
export function openNetlinkIfAllowed(options: NetlinkOptions): number | null {
  const opened = openNetlinkIfThere(options);
  return opened === null || 'refused' in opened ? null : opened.fd;
}

/** Makes reads wait, or return EAGAIN at once. */
export function setWaiting(fd: number, waits: boolean): void {
  libc().ioctl(fd, FIONBIO, words(waits ? 0 : 1));
}

export interface NetlinkMessage {
  readonly type: number;
  /** NLM_F_… of netlink(7). */
  readonly flags: number;
  readonly sequence: number;
  /** First byte behind the header: rtnetlink's address family. */
  readonly family: number;
  readonly at: number;
  readonly length: number;
}

/** Messages (struct nlmsghdr, aligned to 4), up to a damaged length. */
export function* netlinkMessages(buffer: Buffer, bytes: number): Generator<NetlinkMessage> {
  for (let at = 0; at + 20 <= bytes; ) {
    const length = buffer.readUInt32LE(at);
    if (length < 16 || at + length > bytes) return;
    yield {
      type: buffer.readUInt16LE(at + 4),
      flags: buffer.readUInt16LE(at + 6),
      sequence: buffer.readUInt32LE(at + 8),
      family: buffer.readUInt8(at + 16),
      at,
      length,
    };
    at += (length + 3) & ~3;
  }
}

/** Bytes read without waiting. 'lost' = the kernel dropped some (ENOBUFS). */
export function readNetlink(fd: number, buffer: Buffer): number | 'nothing' | 'lost' {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    return systemCode(error) === 'ENOBUFS' ? 'lost' : 'nothing';
  }
}

/** Its bytes, header included, are valid until the next. */
export interface WaitingMessage extends Pick<NetlinkMessage, 'type' | 'family'> {
  readonly bytes: Buffer;
}

/** 'lost' = the kernel dropped some. */
export function* waitingMessages(fd: number): Generator<WaitingMessage | 'lost'> {
  const buffer = Buffer.alloc(1 << 16);
  for (let bytes = readNetlink(fd, buffer); bytes !== 'nothing'; bytes = readNetlink(fd, buffer)) {
    if (bytes === 'lost') yield bytes;
    else
      for (const { type, family, at, length } of netlinkMessages(buffer, bytes))
        yield { type, family, bytes: buffer.subarray(at, at + length) };
  }
}

/** Attributes by type (struct nlattr, flags in the upper two bits, aligned to 4), up to a damaged length. */
export function netlinkAttributes(bytes: Buffer): ReadonlyMap<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) break;
    attributes.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  return attributes;
}

/** Text up to NUL: device names are UTF-8, as in `ip` and /proc. */
export function netlinkText(value: Buffer): string {
  return value.toString('utf8').replace(/\0.*$/s, '');
}

function words(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}

function refused(): VerifyError {
  const name = libc().errnoName(libc().errno());
  return new VerifyError(
    name === 'EPROTONOSUPPORT' || name === 'EAFNOSUPPORT' ? 'unsupported' : 'open-failed',
    69,
    `events of the kernel cannot be listened to: ${name}`,
    'nothing but this program reads them; a container may forbid netlink sockets',
  );
}
