import { writeFileSync } from 'node:fs';
import { koffi } from '../kernel/libc.js';
import { type SealedRole, sealProcess } from '../kernel/seccomp.js';
import { becomeOption } from './identity.js';
import { processRights } from './threads.js';

/** Rights of a sealed helper; `filtered`: the kernel refuses calls that its role does not need. */
export interface SealedRights {
  readonly uid: number;
  readonly capabilities: string;
  readonly filtered: boolean;
}

/** linux/prctl.h */
const [parentDeathSignal, dumpable, keepCapabilities] = [1, 4, 8] as const;
const SIGKILL = 9;
/** linux/capability.h */
const capabilityVersion3 = 0x20080522;
const netRaw = 1 << 13;

const prctl = (option: number, value: number): number =>
  koffi().load(null).func('int prctl(int, unsigned long)')(option, value);

/**
 * Processes of the same user can no longer trace this one or take its descriptors (kernel/ptrace.c,
 * __ptrace_may_access). execve(2) and a change of user undo it.
 */
export function hideProcess(): void {
  prctl(dumpable, 0);
}

/** First call. If memory runs out, helpers end before guests. */
export function beginHelper(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000'); // root's once it is hidden
  } catch {
    // nothing depends on it
  }
  hideProcess();
}

/**
 * A process started as root becomes its command's user in all threads. Their capabilities end, except this one's
 * CAP_NET_RAW if it `keepsRaw` (capabilities(7), capset(2)).
 */
export function becomeNobody(keepsRaw: boolean): void {
  const named = process.argv.find((word) => word.startsWith(becomeOption));
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(named?.slice(becomeOption.length) ?? '') ?? [];
  if (uid === undefined || gid === undefined) return;
  const library = koffi().load(null);
  const capset: (header: Uint8Array, data: Uint8Array) => number = library.func('int capset(uint8_t *, uint8_t *)');
  if (keepsRaw) prctl(keepCapabilities, 1);
  process.setgroups?.([]);
  process.setgid?.(Number(gid));
  process.setuid?.(Number(uid));
  hideProcess();
  prctl(parentDeathSignal, SIGKILL); // the kernel resets it too
  if (!keepsRaw) return;
  prctl(keepCapabilities, 0);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(capabilityVersion3, 0);
  // Effective, permitted and inheritable of capabilities 0 to 31, then of those above.
  const data = Buffer.alloc(24);
  data.writeUInt32LE(netRaw, 0);
  data.writeUInt32LE(netRaw, 4);
  capset(header, data);
}

/** Limits the process to its role's needs. Files come open or passed. */
export function sealHelper(role: SealedRole): SealedRights {
  becomeNobody(role === 'capture');
  const rights = processRights(); // /proc cannot be read afterwards
  return { ...rights, filtered: sealProcess(role) };
}
