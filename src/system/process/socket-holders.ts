import { descriptorsOf, procNames, procText } from '../kernel/proc-files.js';

/** A process that holds a socket. */
export interface SocketHolder {
  readonly pid: number;
  /** Its command line; empty where it has ended meanwhile. */
  readonly argv: readonly string[];
  /** What the kernel calls it: 15 bytes at most. */
  readonly comm: string;
}

/**
 * Who holds which of the sockets with these inodes. Processes of other users show only to root (ptrace(2), "ptrace
 * access mode checking").
 */
export function socketHolders(inodes: ReadonlySet<string>): ReadonlyMap<string, readonly SocketHolder[]> {
  const found = new Map<string, SocketHolder[]>();
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
    for (const inode of held) found.set(inode, [...(found.get(inode) ?? []), holder]);
  }
  return found;
}
