import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { usersOf } from '../kernel/proc-files.js';
import { asUser } from '../kernel/thread-user.js';

/** A user and its group. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** Of a process that is born as root: the user that it becomes when it is sealed, as UID:GID behind it. */
export const becomeOption = '--become=';

/** Made by the package, for helpers alone. */
const systemUser = 'verify-isolation';
/**
 * Uids that neither distributions nor systemd, adduser or subordinate ranges give to anybody (systemd, UIDS-GIDS.md:
 * 1879048192 to 2147483646 are unused).
 */
const unused = { first: 1_879_048_192, count: 2 ** 27 } as const;

const isId = (value: number): boolean => Number.isSafeInteger(value) && value > 0 && value < 2 ** 32 - 1;

/** The system user in the text of /etc/passwd (passwd(5)); null = there is none, or it is root by another name. */
export function systemUserIn(passwd: string): Identity | null {
  for (const line of passwd.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name !== systemUser) continue;
    const identity = { uid: Number(uid), gid: Number(gid) };
    return isId(identity.uid) && isId(identity.gid) ? identity : null;
  }
  return null;
}

function systemUserHere(): Identity | null {
  try {
    return systemUserIn(readFileSync('/etc/passwd', 'utf8'));
  } catch {
    return null;
  }
}

function inUserNamespace(): boolean {
  try {
    return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'));
  } catch {
    return false;
  }
}

/** True if this process is root of the machine, and not of a user namespace alone. */
export function isRootHere(): boolean {
  return process.geteuid?.() === 0 && !inUserNamespace();
}

/** CAP_SETGID and CAP_SETUID of linux/capability.h. */
const becoming = 0b1100_0000n;

/** A service or a container may have taken from root what it takes to become somebody else. */
function mayBecome(): boolean {
  const [, set = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return (BigInt(`0x${set}`) & becoming) === becoming;
}

/** Uids of every process that this one sees. */
function uidsHere(): ReadonlySet<number> {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Set(processes.flatMap(usersOf));
}

/**
 * A user and a group of their own that no process has: another process of the same user may trace it and take its
 * sockets (ptrace(2), pidfd_getfd(2)), and many daemons share `nobody`. `draw` gives a whole number below its argument.
 */
export function unusedIdentity(taken: ReadonlySet<number>, draw: (below: number) => number): Identity {
  for (;;) {
    const uid = unused.first + draw(unused.count);
    if (!taken.has(uid)) return { uid, gid: uid };
  }
}

let drawn: Identity | null = null;

/**
 * The user of helpers that root starts: one that owns nothing, and the same for all of this process. Null: they keep
 * the user of this process, for it is not root, or in a user namespace, where setuid fails (one uid is mapped).
 */
export function helperIdentity(): Identity | null {
  if (!isRootHere() || !mayBecome()) return null;
  drawn ??= systemUserHere() ?? unusedIdentity(uidsHere(), (below) => randomInt(below));
  return drawn;
}

/** The owner of evidence: under sudo the user who called it; null = the user of this process. */
export function evidenceOwner(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Identity | null {
  if (!isRootHere()) return null;
  const uid = Number(environment['SUDO_UID']);
  const gid = Number(environment['SUDO_GID'] ?? environment['SUDO_UID']);
  return isId(uid) && isId(gid) ? { uid, gid } : null;
}

const othersRead = 0o004;
const othersEnter = 0o001;

/** True if the file may be read, and each folder on the way entered, as `allows` says of one by its status. */
function isReached(path: string, allows: (status: Stats, right: number) => boolean): boolean {
  const mayEnter = (folder: string): boolean =>
    allows(statSync(folder), othersEnter) && (dirname(folder) === folder || mayEnter(dirname(folder)));
  return allows(statSync(path), othersRead) && mayEnter(dirname(path));
}

/** True if everybody may read the file, and come to it. */
export function isForEverybody(path: string): boolean {
  try {
    return isReached(path, ({ mode }, right) => (mode & right) !== 0);
  } catch {
    return false;
  }
}

/**
 * True if root without capabilities may not read the file: it, or a folder on the way, is another user's and closed to
 * others.
 */
export function isKeptFromRoot(path: string): boolean {
  return !isReached(path, ({ uid, mode }, right) => uid === 0 || (mode & right) !== 0);
}

/**
 * Kills a child that may have become `identity`, also without CAP_KILL, which signals to other users take (kill(2)).
 * One that has ended stays as it is.
 */
export function killChild(child: ChildProcess, identity: Identity | null): void {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'ESRCH') return; // its end is reported in a moment
    if (error.code !== 'EPERM' || identity === null) throw error;
    asUser(identity.uid, () => process.kill(pid, 'SIGKILL'));
  }
}
