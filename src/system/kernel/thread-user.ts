import { koffi } from './libc.js';

/** Numbers of setresuid: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const setresuidNumbers: Readonly<Record<string, number>> = { x64: 117, arm64: 147, riscv64: 147 };
const unchanged = -1;
/** linux/prctl.h */
const [setDeathSignal, getDeathSignal, getDumpable, setDumpable] = [1, 2, 3, 4] as const;

interface Calls {
  prctl(option: number, value: number | bigint): number;
  setfsuid(uid: number): number;
  setresuid(number: number, real: number, effective: number, saved: number): number;
}

let bound: Calls | undefined;
/** The raw call changes one thread, the C library's function all. */
function calls(): Calls {
  if (bound !== undefined) return bound;
  const library = koffi().load(null);
  bound = {
    prctl: library.func('int prctl(int, unsigned long)'),
    setfsuid: library.func('int setfsuid(unsigned int)'),
    setresuid: library.func('long syscall(long, long, long, long)'),
  };
  return bound;
}

/**
 * A change of user resets both (kernel/cred.c, commit_creds): a process of root's that cannot be dumped is closed to
 * its own children.
 */
function keepingProcess<T>(fn: () => T): T {
  const { prctl } = calls();
  const signal = new Uint32Array(1);
  prctl(getDeathSignal, koffi().address(signal));
  const dumpable = prctl(getDumpable, 0);
  try {
    return fn();
  } finally {
    prctl(setDumpable, dumpable);
    prctl(setDeathSignal, signal[0] ?? 0);
  }
}

/**
 * Runs synchronous `fn` as that user for files (setfsuid(2)). Needs CAP_SETUID instead of CAP_DAC_READ_SEARCH. Without
 * it the user stays.
 */
export function asFileUser<T>(uid: number, fn: () => T): T {
  return keepingProcess(() => {
    const { setfsuid } = calls();
    const before = setfsuid(uid);
    try {
      return fn();
    } finally {
      setfsuid(before);
      if (setfsuid(before) !== before) process.abort(); // returns the user before the call
    }
  });
}

/**
 * Runs `fn` as that effective user (setresuid(2)), to signal without CAP_KILL. Only root's threads regain their
 * capabilities. If refused, the user stays.
 */
export function asUser<T>(uid: number, fn: () => T): T {
  const number = setresuidNumbers[process.arch];
  const home = process.geteuid?.() ?? uid;
  if (number === undefined || home === uid) return fn();
  return keepingProcess(() => {
    const { setresuid } = calls();
    if (setresuid(number, unchanged, uid, unchanged) !== 0) return fn();
    try {
      return fn();
    } finally {
      if (setresuid(number, unchanged, home, unchanged) !== 0) process.abort();
    }
  });
}
