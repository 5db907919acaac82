import { readFileSync } from 'node:fs';
import { inEveryThread, type RawCall } from '../kernel/every-thread.js';

/** Numbers of linux/capability.h, by the names that setpriv(1) knows. */
const numbers = {
  chown: 0,
  dac_override: 1,
  dac_read_search: 2,
  fowner: 3,
  setgid: 6,
  setuid: 7,
  setpcap: 8,
  net_admin: 12,
  net_raw: 13,
  sys_chroot: 18,
  sys_ptrace: 19,
  sys_admin: 21,
  bpf: 39,
} as const;

/** A capability that a run may take. */
export type Capability = keyof typeof numbers;

/** Numbers of the system calls of x86-64, and options of linux/prctl.h. */
const [capset, prctl] = [126, 157] as const;
const [dropFromBounding, noNewPrivileges] = [24, 38] as const;
const capabilityVersion3 = 0x2008_0522;
/** The sets that a thread has, as /proc/PID/status names them; none is larger than 64 bits. */
type SetName = 'CapInh' | 'CapPrm' | 'CapEff' | 'CapBnd' | 'CapAmb';

function setIn(status: string, name: SetName): bigint {
  return BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`);
}

const maskOf = (names: readonly Capability[]): bigint =>
  names.reduce((mask, name) => mask | (1n << BigInt(numbers[name])), 0n);

/** Header and data of capset(2): effective, permitted and inheritable of 0 to 31, then of those above. */
function capsetBytes(permitted: bigint): Uint8Array {
  const [low, high] = [Number(permitted & 0xffff_ffffn), Number(permitted >> 32n)];
  return new Uint8Array(new Uint32Array([capabilityVersion3, 0, low, low, 0, high, high, 0]).buffer);
}

/**
 * From now on this process, in all its threads, and all that it starts have at most these capabilities, none of them
 * inheritable or ambient, and gain none by what they execute (no_new_privs). What is not there now does not come back.
 * False where that cannot be done, as `inEveryThread` says.
 */
export function keepOnly(names: readonly Capability[]): boolean {
  const kept = maskOf(names);
  const now = readFileSync('/proc/self/status', 'utf8');
  const permitted = setIn(now, 'CapPrm') & kept;
  // The bounding set is closed to who lacks CAP_SETPCAP: what it holds then was let in by who started this process.
  const mayBound = (setIn(now, 'CapEff') & maskOf(['setpcap'])) !== 0n;
  const bounding = mayBound ? setIn(now, 'CapBnd') & ~kept : 0n;
  const isDone = (status: string): boolean =>
    (setIn(status, 'CapBnd') & bounding) === 0n &&
    [setIn(status, 'CapPrm'), setIn(status, 'CapEff')].every((set) => (set & ~permitted) === 0n) &&
    setIn(status, 'CapInh') === 0n &&
    setIn(status, 'CapAmb') === 0n &&
    /^NoNewPrivs:\s*1$/m.test(status);
  const surplus = Array.from({ length: 64 }, (_, at) => at).filter((at) => ((bounding >> BigInt(at)) & 1n) === 1n);
  return inEveryThread(
    capsetBytes(permitted),
    (data): readonly RawCall[] => [
      ...surplus.map((capability) => [prctl, dropFromBounding, capability] as const),
      [prctl, noNewPrivileges, 1],
      [capset, data, data + 8n],
    ],
    isDone,
  );
}
