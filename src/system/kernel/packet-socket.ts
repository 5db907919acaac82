import { readdirSync } from 'node:fs';
import type { FaultCode } from '../../core/model/reasons.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { libc } from './libc.js';
import {
  AF_PACKET,
  SO_ATTACH_BPF,
  SO_ATTACH_FILTER,
  SO_DOMAIN,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_PACKET,
  SOL_SOCKET,
} from './socket-constants.js';

const PACKET_STATISTICS = 6;
const PACKET_IGNORE_OUTGOING = 23;
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFINDEX = 0x8933;
const IFNAMSIZ = 16;

/** Receives nothing (protocol 0, packet(7)). Throws VerifyError (69) `open-failed` without CAP_NET_RAW. */
export function openUnboundPacketSocket(): number {
  const fd = libc().socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw failed('open-failed', 'a packet socket cannot be opened', 'it takes root or CAP_NET_RAW');
  return fd;
}

/** struct sockaddr_ll. `protocol`: in native byte order. */
export function linkAddress(index: number, protocol = 0): Uint8Array {
  const address = new ArrayBuffer(linkAddressLength);
  new Uint16Array(address).set([AF_PACKET, ((protocol & 0xff) << 8) | (protocol >> 8)]);
  new Int32Array(address)[1] = index;
  return new Uint8Array(address);
}

export const linkAddressLength = 20;

/** As `openUnboundPacketSocket`, but bound. Throws VerifyError (69) also `interface-gone`. */
export function openPacketSocket(device: string): number {
  const c = libc();
  const fd = openUnboundPacketSocket();
  const index = linkIndex(fd, device);
  if (index === null) {
    c.close(fd);
    throw noSuchInterface(device);
  }
  if (c.bind(fd, linkAddress(index), linkAddressLength) < 0) {
    const error = failed(
      'open-failed',
      `a packet socket cannot be bound to ${JSON.stringify(device)}`,
      'see whether the interface still exists',
    );
    c.close(fd);
    throw error;
  }
  return fd;
}

export function noSuchInterface(device: string): VerifyError {
  return new VerifyError(
    'interface-gone',
    69,
    `there is no interface ${JSON.stringify(device)}`,
    'has the guest been stopped?',
  );
}

/** Index in the socket's network namespace. null = none. */
export function linkIndex(fd: number, device: string): number | null {
  const request = interfaceRequest(device);
  if (request === null || libc().ioctl(fd, SIOCGIFINDEX, request) < 0) return null;
  return new Int32Array(request.buffer)[IFNAMSIZ / 4] ?? null;
}

/** Low 16 IFF_… flags (linux/if.h). null = no such interface. */
export function linkFlags(fd: number, device: string): number | null {
  const request = interfaceRequest(device);
  if (request === null || libc().ioctl(fd, SIOCGIFFLAGS, request) < 0) return null;
  return new Uint16Array(request.buffer)[IFNAMSIZ / 2] ?? null;
}

function interfaceRequest(device: string): Uint8Array | null {
  const name = new TextEncoder().encode(device);
  if (name.length === 0 || name.length >= IFNAMSIZ || name.includes(0)) return null;
  const request = new Uint8Array(new ArrayBuffer(40));
  request.set(name);
  return request;
}

/** Classic BPF in native byte order. */
export function attachFilter(fd: number, program: Uint8Array): void {
  if (takesFilter(fd, program)) return;
  throw failed(
    'open-failed',
    `the kernel does not take a filter of ${program.length / 8} instructions`,
    'a filter has at most 4,096; make it simpler',
  );
}

/**
 * Sets the first accepted program: net.core.optmem_max limits their cost, which differs between kernels. Throws as
 * `attachFilter`.
 */
export function attachFirstFilter(fd: number, programs: readonly (() => Uint8Array)[]): void {
  const last = programs.at(-1);
  if (last !== undefined && !programs.slice(0, -1).some((program) => takesFilter(fd, program())))
    attachFilter(fd, last());
}

/** Sets a loaded eBPF program. False = refused. */
export function attachProgram(fd: number, program: number): boolean {
  const value = new Uint8Array(Int32Array.of(program).buffer);
  return libc().setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, value, value.length) >= 0;
}

function takesFilter(fd: number, program: Uint8Array): boolean {
  const c = libc();
  const fprog = new ArrayBuffer(16);
  new Uint16Array(fprog)[0] = program.length / 8;
  new BigUint64Array(fprog)[1] = c.addressOf(program);
  return c.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, new Uint8Array(fprog), 16) >= 0;
}

/**
 * PACKET_IGNORE_OUTGOING, so that the filter costs senders nothing. False = before Linux 4.20: the filter must refuse
 * outgoing frames.
 */
export function ignoreOutgoing(fd: number): boolean {
  return libc().setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, new Uint8Array(Uint32Array.of(1).buffer), 4) >= 0;
}

/** Counts since the last call (PACKET_STATISTICS). `packets` includes `drops`. */
export function packetStatistics(fd: number): { readonly packets: number; readonly drops: number } {
  const value = new ArrayBuffer(12);
  const length = new Uint32Array([12]);
  if (libc().getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, new Uint8Array(value), new Uint8Array(length.buffer)) < 0) {
    throw failed(
      'open-failed',
      'the counters of a packet socket cannot be read',
      'report this as a fault of verify-isolation',
    );
  }
  const [packets = 0, drops = 0] = new Uint32Array(value);
  return { packets, drops };
}

/** A socket's address family (socket(7), SO_DOMAIN); null = no socket. */
export function socketFamily(fd: number): number | null {
  const value = new Uint32Array(1);
  const length = new Uint32Array([4]);
  const result = libc().getsockopt(
    fd,
    SOL_SOCKET,
    SO_DOMAIN,
    new Uint8Array(value.buffer),
    new Uint8Array(length.buffer),
  );
  return result < 0 ? null : (value[0] ?? null);
}

/** True of a packet socket. */
export function isPacketSocket(fd: number): boolean {
  return socketFamily(fd) === AF_PACKET;
}

/** This process's packet sockets. */
export function ownPacketSockets(): readonly number[] {
  return readdirSync('/proc/self/fd').map(Number).filter(isPacketSocket);
}

function failed(code: FaultCode, what: string, hint: string): VerifyError {
  const c = libc();
  return new VerifyError(code, 69, `${what}: ${c.errnoName(c.errno())}`, hint);
}
