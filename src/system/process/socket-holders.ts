import { descriptorsOf, procLink, procNames, procText } from '../kernel/proc-files.js';

/** A process that holds a socket. */
export interface SocketHolder {
  readonly pid: number;
  /** Its command line; empty where it has ended meanwhile. */
  readonly argv: readonly string[];
  /** What the kernel calls it: 15 bytes at most. */
  readonly comm: string;
}

/**
 * Which processes hold which of the sockets with these inodes. Processes of other users show only to root (ptrace(2),
 * "ptrace access mode checking").
 */
export function socketHolders(inodes: ReadonlySet<string>): ReadonlyMap<string, readonly SocketHolder[]> {
  const holders = new Map<string, SocketHolder[]>();
  for (const pid of procNames('/proc').filter((name) => /^\d+$/.test(name))) {
    const held = new Set(
      descriptorsOf(pid)
        .map((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '')
        .filter((inode) => inodes.has(inode)),
    );
    if (held.size === 0) continue;
    const holder = {
      pid: Number(pid),
      argv: procText(`/proc/${pid}/cmdline`).split('\0').slice(0, -1),
      comm: procText(`/proc/${pid}/comm`).trim(),
    };
    for (const inode of held) holders.set(inode, [...(holders.get(inode) ?? []), holder]);
  }
  return holders;
}

/** Whether this process started that one, or one that did (PPid of /proc/PID/status); false where it has ended. */
export function isDescendant(pid: number): boolean {
  const self = Number(procLink('/proc/self')); // as that /proc numbers processes
  let at = pid;
  while (at > 1 && at !== self) at = parentOf(at);
  return at === self;
}

/** 0 = it has none here, or has ended. */
function parentOf(pid: number): number {
  return Number(/^PPid:\t(\d+)$/m.exec(procText(`/proc/${pid}/status`))?.[1] ?? 0);
}
