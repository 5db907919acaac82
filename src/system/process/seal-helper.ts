import { koffi } from '../kernel/libc.js';
import { type SealedRole, sealProcess } from '../kernel/seccomp.js';
import { becomeOption } from './identity.js';
import { processRights } from './threads.js';

/** What a sealed helper may do: `filtered` = the kernel itself refuses what its role does not need. */
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

/**
 * Root's helper that could not be born as somebody else becomes it now: Node does so in all threads, whose capabilities
 * end with it, but for CAP_NET_RAW of this one where its role opens further sockets (capabilities(7), capset(2)).
 */
function become(identity: string | undefined, role: SealedRole): void {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(identity ?? '') ?? [];
  if (uid === undefined || gid === undefined) return;
  const library = koffi().load(null);
  const prctl: (option: number, value: number) => number = library.func('int prctl(int, unsigned long)');
  const capset: (header: Uint8Array, data: Uint8Array) => number = library.func('int capset(uint8_t *, uint8_t *)');
  const keeps = role === 'capture';
  if (keeps) prctl(keepCapabilities, 1);
  process.setgroups?.([]);
  process.setgid?.(Number(gid));
  process.setuid?.(Number(uid));
  if (!keeps) return;
  prctl(keepCapabilities, 0);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(capabilityVersion3, 0);
  // Effective, permitted and inheritable of capabilities 0 to 31, then of those above.
  const data = Buffer.alloc(24);
  data.writeUInt32LE(netRaw, 0);
  data.writeUInt32LE(netRaw, 4);
  capset(header, data);
}

/**
 * From now on the process does what its role needs with what it has open, and nothing else. Others of its user may not
 * look into it.
 */
export function sealHelper(role: SealedRole): SealedRights {
  const named = process.argv.find((word) => word.startsWith(becomeOption));
  become(named?.slice(becomeOption.length), role);
  const prctl: (option: number, value: number) => number = koffi().load(null).func('int prctl(int, unsigned long)');
  prctl(dumpable, 0);
  prctl(parentDeathSignal, SIGKILL); // who becomes another user loses it
  const rights = processRights(); // /proc cannot be read afterwards
  return { ...rights, filtered: sealProcess(role) };
}
