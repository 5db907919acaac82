import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { VerifyError } from '../../core/model/verify-error.js';
import { CLONE_NEWNS, libc } from './libc.js';

/** mount(2), linux/mount.h. */
export const mountFlag = {
  readOnly: 1,
  noSuid: 2,
  noDev: 4,
  noExec: 8,
  remount: 32,
  noAtime: 1024,
  noDirAtime: 2048,
  bind: 4096,
  recursive: 16_384,
  private: 1 << 18,
  relAtime: 1 << 21,
} as const;

/** Flags that a remount keeps, as /proc/PID/mountinfo names them (proc_pid_mountinfo(5)). */
const keptOptions: Readonly<Record<string, number>> = {
  nosuid: mountFlag.noSuid,
  nodev: mountFlag.noDev,
  noexec: mountFlag.noExec,
  noatime: mountFlag.noAtime,
  nodiratime: mountFlag.noDirAtime,
  relatime: mountFlag.relAtime,
};

/** A mount of the calling thread's namespace. */
export interface Mount {
  readonly path: string;
  readonly readOnly: boolean;
  readonly flags: number;
}

/** /proc/PID/mountinfo has blanks in octal. */
function parseMounts(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [, , , , point, options] = line.split(' ');
    if (point === undefined || options === undefined) return [];
    const words = options.split(',');
    return [
      {
        path: point.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
        readOnly: words.includes('ro'),
        flags: words.reduce((sum, word) => sum | (keptOptions[word] ?? 0), 0),
      },
    ];
  });
}

/** Mounts that the calling thread sees. */
export function mountsHere(): readonly Mount[] {
  return parseMounts(readFileSync('/proc/thread-self/mountinfo', 'latin1'));
}

/** mount(2). Throws VerifyError (69) for errnos not in `mayFail`. */
export function mountOrRefuse(
  [source, target, type, flags, data = null]: readonly [string | null, string, string | null, number, (string | null)?],
  mayFail: readonly string[] = [],
): void {
  const c = libc();
  if (c.mount(source, target, type, flags, data) === 0) return;
  const why = c.errnoName(c.errno());
  if (!mayFail.includes(why)) throw refused(`mount ${target}`, why);
}

function refused(what: string, why: string): VerifyError {
  return new VerifyError(
    'sandbox-refused',
    69,
    `the kernel refuses to ${what}: ${why}: commands of a scenario would reach this machine’s files`,
    'in a container: give it CAP_SYS_ADMIN and CAP_SYS_CHROOT; elsewhere run it as an ordinary user',
  );
}

/** A mount namespace, with a thread's root and folder in it. */
export interface MountSpace {
  readonly fds: readonly [namespace: number, root: number, folder: number];
}

const O_PATH = 0o10_000_000;

function here(): MountSpace {
  const folder = O_PATH | constants.O_DIRECTORY;
  return { fds: [openSync('/proc/thread-self/ns/mnt', 'r'), openSync('/', folder), openSync('.', folder)] };
}

/** setns(2) leaves a thread at the namespace's root. */
function enter({ fds: [namespace, root, folder] }: MountSpace): string | null {
  const c = libc();
  const isThere =
    c.setns(namespace, CLONE_NEWNS) === 0 && c.fchdir(root) === 0 && c.chroot('.') === 0 && c.fchdir(folder) === 0;
  return isThere ? null : c.errnoName(c.errno());
}

export function closeMountSpace({ fds }: MountSpace): void {
  fds.forEach((fd) => closeSync(fd));
}

function comeBack(home: MountSpace): void {
  // In a wrong tree nothing that follows could be trusted.
  if (enter(home) !== null) process.abort();
  closeMountSpace(home);
}

/**
 * A copy, changed by `prepare`, which lives while its descriptors do. Call it from the main thread. Throws VerifyError
 * (69).
 */
export function newMountSpace(prepare: () => void): MountSpace {
  const home = here();
  const c = libc();
  if (c.unshare(CLONE_NEWNS) !== 0) {
    closeMountSpace(home);
    throw refused('make a mount namespace', c.errnoName(c.errno()));
  }
  try {
    prepare();
    return here();
  } finally {
    comeBack(home);
  }
}

/** Runs synchronous `fn`, and its children, in a mount namespace. */
export function inMountSpace<T>(space: MountSpace | null, fn: () => T): T {
  if (space === null) return fn();
  const home = here();
  const why = enter(space);
  try {
    if (why !== null) throw refused('enter the lab’s own mount tree', why);
    return fn();
  } finally {
    comeBack(home);
  }
}
