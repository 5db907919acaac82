import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { asFileUser } from './thread-user.js';
import { systemCode } from '../../core/model/verify-error.js';

/** Names in a folder of proc(5); none where the process has ended, or where its owner alone may look. */
export function procNames(path: string): readonly string[] {
  return orElse([], () => readdirSync(path));
}

/** Where a link of proc(5) leads; empty as above. */
export function procLink(path: string): string {
  return orElse('', () => readlinkSync(path));
}

/** A file of proc(5); empty as above. */
export function procText(path: string): string {
  return orElse('', () => readFileSync(path, 'utf8'));
}

/** `text`: null = there is no such file. `refused`: the name of the error that hinders reading it. */
export type RootsText = { readonly text: string | null } | { readonly refused: string };

/**
 * A file of /proc/net that root alone may read. Of a network namespace that was made together with its user namespace
 * it is nobody's (proc_net_ns_init, fs/proc/proc_net.c): there it counts as missing, for only who made both is in it.
 */
export function rootsText(path: string): RootsText {
  try {
    return { text: readFileSync(path, 'utf8') };
  } catch (error) {
    const code = systemCode(error) ?? String(error);
    const isNobodys = code === 'EACCES' && process.geteuid?.() === 0;
    return code === 'ENOENT' || isNobodys ? { text: null } : { refused: code };
  }
}

/** Where the descriptors of a process lead; none as above. */
export function descriptorsOf(pid: string): readonly string[] {
  return ofDescriptors(pid, procLink);
}

/** Numbers of the sockets among the descriptors of a process; none as above. */
export function socketNumbersOf(pid: string): readonly number[] {
  return ofDescriptors(pid, (path) => (procLink(path).startsWith('socket:') ? basename(path) : '')).flatMap((fd) =>
    fd === '' ? [] : [Number(fd)],
  );
}

/** Its inode, by which namespaces are distinguished; null = there is none, or it may not be looked at. */
export function inodeOf(path: string): number | null {
  try {
    return statSync(path).ino;
  } catch {
    return null;
  }
}

/** Numbers of the character devices that a process has open, `246:1`, one for each descriptor; none as above. */
export function devicesOf(pid: string): readonly string[] {
  return ofDescriptors(pid, (path) => (procLink(path).startsWith('/') ? characterDevice(path) : '')).filter(
    (number) => number !== '',
  );
}

/**
 * Number of the device that opens queues of a macvtap or ipvtap (tap_open, drivers/net/tap.c), as of `devicesOf`.
 * null = it is none, or /sys is another network namespace's.
 */
export function tapDevice(link: {
  readonly name: string;
  readonly kind: string | null;
  readonly ifindex: number;
}): string | null {
  const { name, kind, ifindex } = link;
  if (kind !== 'macvtap' && kind !== 'ipvtap') return null;
  return procText(`/sys/class/net/${name}/${kind}/tap${ifindex}/dev`).trim() || null;
}

/** Its number as sysfs prints it (new_encode_dev, linux/kdev_t.h); empty where it is none, or as above. */
function characterDevice(path: string): string {
  return orElse('', () => {
    const stat = statSync(path);
    const { rdev } = stat;
    return stat.isCharacterDevice() ? `${(rdev >>> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >>> 12) & 0xfff00)}` : '';
  });
}

function ofDescriptors(pid: string, readOne: (path: string) => string): readonly string[] {
  return inOwnersFolder(`/proc/${pid}/fd`, readOne);
}

/** Reads each file in a folder of proc(5) that is its owner's alone, which root then is. */
function inOwnersFolder(folder: string, readOne: (path: string) => string): readonly string[] {
  const read = (): readonly string[] => readdirSync(folder).map((name) => readOne(`${folder}/${name}`));
  return orElse([], () => {
    try {
      return read();
    } catch (error) {
      if (!isRefused(error)) throw error;
      return asFileUser(statSync(folder).uid, read);
    }
  });
}

/** A descriptor by which a process, or one of its threads, has a queue of a tap. */
export interface TapDescriptor {
  readonly tap: string;
  readonly task: number;
  readonly fd: number;
}

/** Descriptors of taps of a process (drivers/net/tun.c, tun_chr_show_fdinfo); none as above. */
export function tapDescriptorsOf(pid: string): readonly TapDescriptor[] {
  return descriptorsOf(pid).includes('/dev/net/tun') ? tapsIn(`/proc/${pid}`, Number(pid)) : [];
}

/** The same of each of its threads, which may have a table of their own (unshare(2)), by whatever device node. */
export function tapDescriptorsOfThreads(pid: string): readonly TapDescriptor[] {
  return procNames(`/proc/${pid}/task`).flatMap((task) => tapsIn(`/proc/${pid}/task/${task}`, Number(task)));
}

/** fdinfo was its owner's alone before Linux 5.14. */
function tapsIn(folder: string, task: number): readonly TapDescriptor[] {
  const found = inOwnersFolder(`${folder}/fdinfo`, (path) => {
    const tap = /^iff:\t(\S+)$/m.exec(procText(path))?.[1];
    return tap === undefined ? '' : `${basename(path)} ${tap}`;
  });
  return found.flatMap((text) => {
    const [fd = '', tap] = text.split(' ');
    return tap === undefined ? [] : [{ tap, task, fd: Number(fd) }];
  });
}

/** Its real, effective, saved and file system uid (proc_pid_status(5)). NaN alone: the process has ended. */
export function usersOf(pid: string): readonly number[] {
  const users = /^Uid:\s*(.*)$/m.exec(procText(`/proc/${pid}/status`))?.[1];
  return users === undefined ? [Number.NaN] : users.split(/\s+/).map(Number);
}

function isRefused(error: unknown): boolean {
  return systemCode(error) === 'EACCES' && process.geteuid?.() === 0;
}

function orElse<T>(nothing: T, read: () => T): T {
  try {
    return read();
  } catch {
    return nothing;
  }
}

/** True in the first pid namespace (PROC_PID_INIT_INO, linux/proc_ns.h), where all processes are seen. */
export function isFirstPidSpace(): boolean {
  return inodeOf('/proc/self/ns/pid') === 4_026_531_836;
}

/** False in a user namespace of its own (user_namespaces(7)), as an ordinary user's lab is in. */
export function isFirstUserSpace(): boolean {
  return procText('/proc/self/uid_map').trim().split(/\s+/).join(' ') === '0 0 4294967295';
}
