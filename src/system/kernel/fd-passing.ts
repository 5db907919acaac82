import { writeSync } from 'node:fs';
import { VerifyError } from '../../core/model/verify-error.js';
import { libc } from './libc.js';
import { AF_UNIX, SOCK_CLOEXEC, SOL_SOCKET } from './socket-constants.js';

const SOCK_SEQPACKET = 5;
const SCM_RIGHTS = 1;
const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
/** F_SEAL_SEAL, _SHRINK, _GROW, _WRITE (fcntl(2)) hold for every descriptor of the file. */
const allSeals = 0xf;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
/** struct msghdr of 64-bit machines in 8-byte words (sendmsg(2)). */
const messageWords = 7;
const [iovAt, iovCountAt, controlAt, controlLengthAt] = [2, 3, 4, 5];
/** cmsghdr with one descriptor: CMSG_LEN(4), CMSG_SPACE(4), cmsg(3). */
const controlLength = 20;
const controlRoom = 24;

/** Connected sockets. */
export interface FdChannel {
  readonly here: number;
  readonly there: number;
}

/** Passes open files to a process (unix(7), SCM_RIGHTS). Throws VerifyError (69). */
export function openFdChannel(): FdChannel {
  const ends = new Int32Array(2);
  if (libc().socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, new Uint8Array(ends.buffer)) < 0)
    throw failed('sockets to hand files over cannot be had');
  const [here = -1, there = -1] = ends;
  return { here, there };
}

function message(): {
  readonly header: Uint8Array;
  readonly control: ArrayBuffer;
  readonly buffers: readonly Uint8Array[];
} {
  const { addressOf } = libc();
  const text = new Uint8Array(new ArrayBuffer(1));
  const control = new ArrayBuffer(controlRoom);
  const controlBytes = new Uint8Array(control);
  const vector = new BigUint64Array([addressOf(text), 1n]);
  const vectorBytes = new Uint8Array(vector.buffer);
  const header = new BigUint64Array(messageWords);
  [header[iovAt], header[iovCountAt], header[controlAt], header[controlLengthAt]] = [
    addressOf(vectorBytes),
    1n,
    addressOf(controlBytes),
    BigInt(controlRoom),
  ];
  return { header: new Uint8Array(header.buffer), control, buffers: [text, controlBytes, vectorBytes] };
}

/** The receiver gets its own descriptor. Throws VerifyError (69) if the other end is closed. */
export function passFd(socket: number, fd: number): void {
  const { header, control, buffers } = message();
  new BigUint64Array(control, 0, 1)[0] = BigInt(controlLength);
  new Int32Array(control).set([SOL_SOCKET, SCM_RIGHTS, fd], 2);
  if (libc().sendmsg(socket, header, MSG_DONTWAIT) < 0 || buffers.length === 0)
    throw failed('a file cannot be handed over');
}

/** The first file not yet received. Throws VerifyError (69) if none. */
export function receiveFd(socket: number): number {
  const { header, control, buffers } = message();
  const length = libc().recvmsg(socket, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  const [, , level, type, fd] = new Int32Array(control);
  if (length <= 0 || buffers.length === 0 || level !== SOL_SOCKET || type !== SCM_RIGHTS || fd === undefined)
    throw failed('no file was handed over');
  return fd;
}

function failed(what: string): VerifyError {
  const c = libc();
  return new VerifyError(
    'open-failed',
    69,
    `${what}: ${c.errnoName(c.errno())}`,
    'raise the limit of open files (ulimit -n)',
  );
}

/** memfd_create(2). The caller closes it. Throws VerifyError (69). */
export function openSharedFile(): number {
  const fd = libc().memfd_create('verify-isolation', MFD_CLOEXEC);
  if (fd < 0) throw noMemoryFile();
  return fd;
}

/** As `openSharedFile`, with bytes that no process can change. */
export function openSealedFile(bytes: Uint8Array): number {
  const c = libc();
  const fd = c.memfd_create('verify-isolation', MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) throw noMemoryFile();
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at);
    if (c.fcntl(fd, F_ADD_SEALS, allSeals) < 0) throw noMemoryFile();
    return fd;
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

function noMemoryFile(): VerifyError {
  const c = libc();
  return new VerifyError(
    'open-failed',
    69,
    `a file in memory cannot be made: ${c.errnoName(c.errno())}`,
    'free some memory, or raise the limit of open files (ulimit -n)',
  );
}
