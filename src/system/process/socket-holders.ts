import { closeSync, fstatSync, type Stats, statSync } from 'node:fs';
import type { RunningProgram } from '../../core/model/packet-socket.js';
import { libc } from '../kernel/libc.js';
import { socketFamily } from '../kernel/packet-socket.js';
import {
  descriptorsOf,
  inodeOf,
  procLink,
  procNames,
  procText,
  socketNumbersOf,
  type TapDescriptor,
  tapDescriptorsOf,
} from '../kernel/proc-files.js';
import { addTo } from '../../core/text/collections.js';

/** A process with a socket. */
export interface SocketHolder {
  readonly pid: number;
  /** Empty if it has ended. */
  readonly argv: readonly string[];
  /** The kernel's name: at most 15 bytes. */
  readonly comm: string;
}

/**
 * Processes by the inodes of sockets that they hold. Only root sees other users' (ptrace(2), "ptrace access mode
 * checking").
 */
export function socketHolders(inodes: ReadonlySet<string>): ReadonlyMap<string, readonly SocketHolder[]> {
  const holders = new Map<string, SocketHolder[]>();
  for (const pid of procNames('/proc').filter((name) => /^\d+$/.test(name))) {
    const sockets = new Set(
      descriptorsOf(pid)
        .map((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '')
        .filter((inode) => inodes.has(inode)),
    );
    if (sockets.size === 0) continue;
    const holder = {
      pid: Number(pid),
      argv: procText(`/proc/${pid}/cmdline`).split('\0').slice(0, -1),
      comm: procText(`/proc/${pid}/comm`).trim(),
    };
    for (const inode of sockets) addTo(holders, inode, holder);
  }
  return holders;
}

/** True if this process or a descendant started it. False if it ended. */
export function isDescendant(pid: number): boolean {
  const self = Number(procLink('/proc/self')); // numbered as that /proc does
  let at = pid;
  while (at > 1 && at !== self) at = parentOf(at);
  return at === self;
}

function parentOf(pid: number): number {
  return Number(/^PPid:\t(\d+)$/m.exec(procText(`/proc/${pid}/status`))?.[1] ?? 0);
}

function statusOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/** A process's program; null = deleted, ended or another user's. */
export function runningProgram(pid: number): RunningProgram | null {
  const [path, status] = [procLink(`/proc/${pid}/exe`), statusOf(`/proc/${pid}/exe`)];
  const user = /^Uid:\s*(\d+)/m.exec(procText(`/proc/${pid}/status`))?.[1];
  if (path === '' || path.endsWith(' (deleted)') || status === null || user === undefined) return null;
  return { path, device: status.dev, inode: status.ino, owner: status.uid, user: Number(user) };
}

/** True if the program's owner is the owner of `/`: a user namespace may lack root's number. */
export function isRoots({ owner }: RunningProgram): boolean {
  return owner === 0 || owner === statusOf('/')?.uid;
}

/**
 * Process of root's program that locks a pid file while it runs (fcntl(2), /proc/locks); null = none, or not visible.
 */
export function lockingDaemon(pidFile: string): { readonly pid: number; readonly program: RunningProgram } | null {
  const file = statusOf(pidFile);
  if (file === null) return null;
  const [major, minor] = [(file.dev >> 8) & 0xfff, (file.dev & 0xff) | ((file.dev >> 12) & 0xfff00)];
  const place = [major, minor].map((part) => part.toString(16).padStart(2, '0')).join(':');
  const lock = new RegExp(`POSIX\\s+\\S+\\s+WRITE\\s+(\\d+)\\s+${place}:${file.ino}\\s`);
  const pid = Number(lock.exec(procText('/proc/locks'))?.[1] ?? 0);
  const program = pid > 0 ? runningProgram(pid) : null;
  return program === null || !isRoots(program) ? null : { pid, program };
}

const othersWrite = 0o022;

function isHostsFile({ path, device, inode }: RunningProgram): boolean {
  const status = statusOf(`/proc/1/root${path}`);
  return (
    status !== null &&
    status.dev === device &&
    status.ino === inode &&
    status.uid === 0 &&
    (status.mode & othersWrite) === 0
  );
}

/** Without mounts: a service has its own of the same files (systemd.exec(5), ProtectSystem). */
function isInHostsSpaces(pid: number): boolean {
  const spaces = procNames('/proc/1/ns').filter((name) => name !== 'mnt' && !name.endsWith('_for_children'));
  return (
    spaces.length > 0 &&
    spaces.every((name) => {
      const space = procLink(`/proc/1/ns/${name}`);
      return space !== '' && space === procLink(`/proc/${pid}/ns/${name}`);
    })
  );
}

const guestsDevices = /^\/dev\/(?:net\/tun|tap\d|kvm|vhost|vmnet|vsock)|^anon_inode:kvm/;
/** AF_VSOCK and AF_XDP of linux/socket.h. */
const guestsFamilies: readonly (number | null)[] = [40, 44];
const [pidfdOpen, pidfdGetfd] = [434, 438] as const;
/** PIDFD_THREAD of linux/pidfd.h: any task of a process (Linux 6.9). */
const ofThread = 0x80;

/** TUNGETDEVNETNS of linux/if_tun.h. */
const askTapsSpace = 0x54e3;

/**
 * Inode of a tap's network namespace. null = not reported, as before Linux 5.6 (6.9 for a thread with its own table).
 */
export function spaceOfTap({ task, fd }: TapDescriptor): number | null {
  const first = libc().syscall(pidfdOpen, task, 0, null);
  const process = first < 0 ? libc().syscall(pidfdOpen, task, ofThread, null) : first;
  if (process < 0) return null;
  const queue = libc().syscall(pidfdGetfd, process, fd, null);
  closeSync(process);
  if (queue < 0) return null;
  const space = libc().ioctl(queue, askTapsSpace, new Uint8Array(0));
  closeSync(queue);
  if (space < 0) return null;
  try {
    return fstatSync(space).ino;
  } finally {
    closeSync(space);
  }
}

/** Taps of these namespaces (inodes) that a process has open. An unknown namespace counts as the process's. */
export function tapsHeldBy(pid: number, spaces: ReadonlySet<number>): readonly string[] {
  const itsOwn = inodeOf(`/proc/${pid}/ns/net`);
  const names = new Set<string>();
  for (const descriptor of tapDescriptorsOf(String(pid))) {
    if (names.has(descriptor.tap)) continue;
    const space = spaceOfTap(descriptor) ?? itsOwn;
    if (space !== null && spaces.has(space)) names.add(descriptor.tap);
  }
  return [...names];
}

/** The process whose frames a kernel thread such as `vhost-4711` reads, or itself. */
export function readerBehind(pid: number): number {
  return Number(/^vhost-(\d+)$/.exec(procText(`/proc/${pid}/comm`).trim())?.[1] ?? pid);
}

/** By pidfd_getfd(2); null = some are unknown. */
function familiesOf(pid: number): readonly number[] | null {
  const numbers = socketNumbersOf(String(pid));
  const process = libc().syscall(pidfdOpen, pid, 0, null);
  if (process < 0) return null;
  try {
    const families = numbers.map((number) => {
      const fd = libc().syscall(pidfdGetfd, process, number, null);
      if (fd < 0) return null;
      try {
        return socketFamily(fd);
      } finally {
        closeSync(fd);
      }
    });
    const known = families.flatMap((family) => family ?? []);
    return known.length === families.length ? known : null;
  } finally {
    closeSync(process);
  }
}

/**
 * True if it has nothing of guests but packet sockets: root's file, not writable for others, in process 1's namespaces.
 * False in a lab.
 */
export function isHostsOwn(pid: number, program: RunningProgram): boolean {
  if (procLink('/proc/self') === '1' || !isHostsFile(program) || !isInHostsSpaces(pid)) return false;
  if (descriptorsOf(String(pid)).some((target) => guestsDevices.test(target))) return false;
  const families = familiesOf(pid);
  return families !== null && !families.some((family) => guestsFamilies.includes(family));
}
