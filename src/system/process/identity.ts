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

/** UID:GID that a process started as root becomes when sealed. */
export const becomeOption = '--become=';

/** The package makes it for helpers alone. */
const systemUser = 'verify-isolation';
/** Uids that systemd's UIDS-GIDS.md, distributions and subordinate ranges leave unused. */
const unused = { first: 1_879_048_192, count: 2 ** 27 } as const;

const isId = (value: number): boolean => Number.isSafeInteger(value) && value > 0 && value < 2 ** 32 - 1;

/** The system user in passwd(5). null = none, or an alias of root. */
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

/** False for root of a user namespace. */
export function isRootHere(): boolean {
  return process.geteuid?.() === 0 && !inUserNamespace();
}

/** CAP_SETGID and CAP_SETUID of linux/capability.h. */
const becoming = 0b1100_0000n;

/** A service or container may have taken these rights from root. */
function mayBecome(): boolean {
  const [, set = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return (BigInt(`0x${set}`) & becoming) === becoming;
}

function uidsHere(): ReadonlySet<number> {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Set(processes.flatMap(usersOf));
}

/**
 * A user and group without processes: one user's may trace each other and take sockets (ptrace(2), pidfd_getfd(2)), and
 * many daemons share `nobody`. `draw` returns an integer below its argument.
 */
export function unusedIdentity(taken: ReadonlySet<number>, draw: (below: number) => number): Identity {
  for (;;) {
    const uid = unused.first + draw(unused.count);
    if (!taken.has(uid)) return { uid, gid: uid };
  }
}

let drawn: Identity | null = null;

/**
 * User of root's helpers, this process's alone. null = not root, or in a user namespace with one uid, where setuid
 * fails.
 */
export function helperIdentity(): Identity | null {
  if (!isRootHere() || !mayBecome()) return null;
  drawn ??= systemUserHere() ?? unusedIdentity(uidsHere(), (below) => randomInt(below));
  return drawn;
}

/** sudo's caller. null = this process's user. */
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

function isReached(path: string, allows: (status: Stats, right: number) => boolean): boolean {
  const mayEnter = (folder: string): boolean =>
    allows(statSync(folder), othersEnter) && (dirname(folder) === folder || mayEnter(dirname(folder)));
  return allows(statSync(path), othersRead) && mayEnter(dirname(path));
}

/** True if all users may reach and read the file. */
export function isForEverybody(path: string): boolean {
  try {
    return isReached(path, ({ mode }, right) => (mode & right) !== 0);
  } catch {
    return false;
  }
}

/** True if the file, or a folder above, is another user's and closed. */
export function isKeptFromRoot(path: string): boolean {
  return !isReached(path, ({ uid, mode }, right) => uid === 0 || (mode & right) !== 0);
}

/** Kills a child that may have become `identity`, without CAP_KILL (kill(2)), unless it ended. */
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
