import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { asFileUser } from './thread-user.js';
import { systemCode } from '../../core/model/verify-error.js';

/** A folder's names. Empty if the process ended, or only its owner may look. */
export function procNames(path: string): readonly string[] {
  return orElse([], () => readdirSync(path));
}

/** A link's target. Empty as `procNames`. */
export function procLink(path: string): string {
  return orElse('', () => readlinkSync(path));
}

/** A file of proc(5). Empty as `procNames`. */
export function procText(path: string): string {
  return orElse('', () => readFileSync(path, 'utf8'));
}

/** `text`: null = no such file. `refused`: name of the error. */
export type RootsText = { readonly text: string | null } | { readonly refused: string };

/**
 * A file of /proc/net for root. In a network namespace made with its user namespace it has no owner (proc_net_ns_init,
 * fs/proc/proc_net.c) and counts as missing: only the maker is there.
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

/** Targets of descriptors. Empty as `procNames`. */
export function descriptorsOf(pid: string): readonly string[] {
  return ofDescriptors(pid, procLink);
}

/** Inodes of sockets. Empty as `procNames`. */
export function socketNumbersOf(pid: string): readonly number[] {
  return ofDescriptors(pid, (path) => (procLink(path).startsWith('socket:') ? basename(path) : '')).flatMap((fd) =>
    fd === '' ? [] : [Number(fd)],
  );
}

/** Identifies namespaces. null = missing or not permitted. */
export function inodeOf(path: string): number | null {
  try {
    return statSync(path).ino;
  } catch {
    return null;
  }
}

/** Open character devices, as `246:1`. Empty as `procNames`. */
export function devicesOf(pid: string): readonly string[] {
  return ofDescriptors(pid, (path) => (procLink(path).startsWith('/') ? characterDevice(path) : '')).filter(
    (number) => number !== '',
  );
}

/**
 * The device for a macvtap's or ipvtap's queues (tap_open, drivers/net/tap.c), as in `devicesOf`; null = none, or /sys
 * is another network namespace's.
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

/** As sysfs prints it (new_encode_dev, linux/kdev_t.h). */
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

/** Root takes on the owner's user. */
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

/** A descriptor of a tap queue. */
export interface TapDescriptor {
  readonly tap: string;
  readonly task: number;
  readonly fd: number;
}

/** A process's descriptors of taps (drivers/net/tun.c, tun_chr_show_fdinfo); empty as `procNames`. */
export function tapDescriptorsOf(pid: string): readonly TapDescriptor[] {
  return descriptorsOf(pid).includes('/dev/net/tun') ? tapsIn(`/proc/${pid}`, Number(pid)) : [];
}

/** As `tapDescriptorsOf`, for threads with own tables (unshare(2)), and any device node. */
export function tapDescriptorsOfThreads(pid: string): readonly TapDescriptor[] {
  return procNames(`/proc/${pid}/task`).flatMap((task) => tapsIn(`/proc/${pid}/task/${task}`, Number(task)));
}

/** Before Linux 5.14 only the owner could read fdinfo. */
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

/** Real, effective, saved and file system uid (proc_pid_status(5)); NaN alone = the process has ended. */
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

/** True in the first pid namespace (PROC_PID_INIT_INO, linux/proc_ns.h), which sees all processes. */
export function isFirstPidSpace(): boolean {
  return inodeOf('/proc/self/ns/pid') === 4_026_531_836;
}

/** False in a user namespace of its own (user_namespaces(7)), as in an ordinary user's lab. */
export function isFirstUserSpace(): boolean {
  return procText('/proc/self/uid_map').trim().split(/\s+/).join(' ') === '0 0 4294967295';
}
