import { createRequire } from 'node:module';
import { VerifyError, messageOf } from '../../core/model/verify-error.js';

/** A network namespace in setns(2) and unshare(2) (linux/sched.h). */
export const CLONE_NEWNET = 0x4000_0000;
/** A mount namespace. */
export const CLONE_NEWNS = 0x2_0000;

type Koffi = typeof import('koffi');

/** C library calls. Below 0 = failed, with `errno()`. */
export interface Libc {
  setns(fd: number, kind: number): number;
  unshare(flags: number): number;
  /** For a thread that shares folder and root with no other. */
  fchdir(fd: number): number;
  chroot(path: string): number;
  mount(source: string | null, target: string, type: string | null, flags: number, data: string | null): number;
  socket(domain: number, type: number, protocol: number): number;
  /** `ends`: two 32-bit numbers, filled in. */
  socketpair(domain: number, type: number, protocol: number, ends: Uint8Array): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  /** `messages`: struct mmsghdr, with pointers of `addressOf`. */
  sendmmsg(fd: number, messages: Uint8Array, count: number, flags: number): number;
  /** `message`: struct msghdr, with pointers of `addressOf`. */
  sendmsg(fd: number, message: Uint8Array, flags: number): number;
  recvmsg(fd: number, message: Uint8Array, flags: number): number;
  /** `argument` is changed in place. */
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  close(fd: number): number;
  /** Closes on Node's pool, as some sockets wait for RCU. */
  closeBeside(fd: number): Promise<void>;
  flock(fd: number, operation: number): number;
  memfd_create(name: string, flags: number): number;
  fcntl(fd: number, command: number, value: number): number;
  fallocate(fd: number, mode: number, offset: number, length: number): number;
  /** `last` is passed by address, null = 0. */
  syscall(number: number, first: number, second: number, last: Uint8Array | null): number;
  /**
   * kcmp(2): 0 = the same open file (`type` 0) or descriptor table (2). Below 0 also if the call's number is unknown.
   */
  kcmp(pid: number, otherPid: number, type: 0 | 2, ...descriptors: readonly [number, number]): number;
  /** openat2(2). ENOSYS before Linux 5.6. */
  openFolderAt(folder: number, path: string, flags: number, resolve: number): number;
  /** A new mount outside any tree. */
  detachedMount(type: string): number;
  /** bpf(2); `attributes`: union bpf_attr, changed in place. Below 0 without errno if its number is unknown. */
  bpf(command: number, attributes: Uint8Array): number;
  /** False: bpf(2) has no known number here. */
  readonly hasBpfNumber: boolean;
  /** `timex`: struct timex, filled in. 5 = not synchronized. */
  adjtimex(timex: Uint8Array): number;
  /** Shared with the kernel, in bytes, until the process ends. null = see `errno()`. */
  mapShared(fd: number, length: number): ArrayBuffer | null;
  /** `limits`: struct rlimit, filled in. */
  getrlimit(resource: number, limits: Uint8Array): number;
  setrlimit(resource: number, limits: Uint8Array): number;
  errno(): number;
  /** `EPERM` for 1. The number if nameless. */
  errnoName(errno: number): string;
  /** The caller keeps the buffer referenced while C uses it. */
  addressOf(buffer: Uint8Array): bigint;
}

/**
 * Little-endian machines only, as the arguments are written so: arch/…/syscalls/syscall*.tbl,
 * include/uapi/asm-generic/unistd.h.
 */
const bpfNumbers: Readonly<Record<string, number>> = {
  x64: 321,
  arm64: 280,
  riscv64: 280,
  loong64: 280,
  ppc64: 361,
  arm: 386,
  ia32: 357,
};

const kcmpNumbers: Readonly<Record<string, number>> = { x64: 312, arm64: 272, riscv64: 272, loong64: 272 };

/** Same numbers on every machine; FSCONFIG_CMD_CREATE, FSOPEN_CLOEXEC (linux/mount.h). */
const mountCalls = { fsopen: 430, fsconfig: 431, fsmount: 432, create: 6, closeOnExec: 1 } as const;

let koffiModule: Koffi | undefined;
let libcFunctions: Libc | undefined;

/** Loads `koffi` at first use: other commands start faster. Throws VerifyError (69). */
export function koffi(): Koffi {
  if (koffiModule !== undefined) return koffiModule;
  try {
    const loaded: Koffi = createRequire(import.meta.url)('koffi');
    koffiModule = loaded;
    return loaded;
  } catch (error) {
    throw new VerifyError(
      'koffi-missing',
      69,
      `the package koffi does not load on this machine: ${messageOf(error)}`,
      'install verify-isolation again with its dependencies (npm install); koffi has ready-made binaries for Linux on x64, arm64, arm, ia32, riscv64',
    );
  }
}

/** Runs on the calling thread, to which namespaces belong. */
export function libc(): Libc {
  libcFunctions ??= bindLibc(koffi());
  return libcFunctions;
}

/** The same on every machine (include/uapi/asm-generic/unistd.h). */
const openat2Number = 437;
/** An old C library has no functions for them. */
function newerCalls(
  library: ReturnType<Koffi['load']>,
  close: (fd: number) => number,
): Pick<Libc, 'kcmp' | 'detachedMount' | 'openFolderAt'> {
  const callKcmp: (...words: readonly number[]) => number = library.func(
    'long syscall(long, int, int, int, unsigned long, unsigned long)',
  );
  const kcmpNumber = kcmpNumbers[process.arch];
  const fsopen: (number: number, type: string, flags: number) => number = library.func('long syscall(long, str, uint)');
  const fsconfig: (...words: readonly [...number[], null, null, number]) => number = library.func(
    'long syscall(long, int, uint, void *, void *, int)',
  );
  const fsmount: (number: number, fd: number, flags: number, attributes: number) => number = library.func(
    'long syscall(long, int, uint, uint)',
  );
  const openat2: (number: number, fd: number, path: string, how: Uint8Array, size: number) => number = library.func(
    'long syscall(long, int, str, void *, unsigned long)',
  );
  return {
    openFolderAt(folder, path, flags, resolve) {
      // struct open_how: flags, mode, resolve
      const how = new Uint8Array(new BigUint64Array([BigInt(flags), 0n, BigInt(resolve)]).buffer);
      return openat2(openat2Number, folder, path, how, how.length);
    },
    kcmp: (pid, otherPid, type, fd, otherFd) =>
      kcmpNumber === undefined ? -1 : callKcmp(kcmpNumber, pid, otherPid, type, fd, otherFd),
    detachedMount(type) {
      const context = fsopen(mountCalls.fsopen, type, mountCalls.closeOnExec);
      if (context < 0) return context;
      const made = fsconfig(mountCalls.fsconfig, context, mountCalls.create, null, null, 0);
      const mount = made < 0 ? made : fsmount(mountCalls.fsmount, context, mountCalls.closeOnExec, 0);
      close(context);
      return mount;
    },
  };
}

function bindLibc(k: Koffi): Libc {
  const library = k.load(null);
  type MmapWords = readonly [at: number, length: number, rights: number, kind: number, fd: number, offset: number];
  const mmap: (...words: MmapWords) => number | bigint = library.func(
    'uintptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)',
  );
  const callBpf: (number: number, command: number, attributes: Uint8Array, size: number) => number = library.func(
    'long syscall(long, int, void *, unsigned int)',
  );
  const close = library.func('int close(int)');
  const bpfNumber = bpfNumbers[process.arch];
  const names = new Map(Object.entries(k.os.errno).map(([name, value]) => [value, name]));
  return {
    ...newerCalls(library, close),
    setns: library.func('int setns(int, int)'),
    unshare: library.func('int unshare(int)'),
    fchdir: library.func('int fchdir(int)'),
    chroot: library.func('int chroot(const char *)'),
    mount: library.func('int mount(const char *, const char *, const char *, unsigned long, const char *)'),
    socket: library.func('int socket(int, int, int)'),
    socketpair: library.func('int socketpair(int, int, int, void *)'),
    connect: library.func('int connect(int, void *, unsigned int)'),
    bind: library.func('int bind(int, void *, unsigned int)'),
    getsockopt: library.func('int getsockopt(int, int, int, void *, void *)'),
    setsockopt: library.func('int setsockopt(int, int, int, void *, unsigned int)'),
    sendmmsg: library.func('int sendmmsg(int, void *, unsigned int, int)'),
    sendmsg: library.func('long sendmsg(int, void *, int)'),
    recvmsg: library.func('long recvmsg(int, void *, int)'),
    ioctl: library.func('int ioctl(int, unsigned long, void *)'),
    close,
    closeBeside: (fd) => new Promise((resolve) => close.async(fd, () => resolve())),
    flock: library.func('int flock(int, int)'),
    fallocate: library.func('int fallocate(int, int, int64_t, int64_t)'),
    fcntl: library.func('int fcntl(int, int, int)'),
    memfd_create: library.func('int memfd_create(const char *, unsigned int)'),
    syscall: library.func('long syscall(long, unsigned long, unsigned long, void *)'),
    bpf: (command, attributes) =>
      bpfNumber === undefined ? -1 : callBpf(bpfNumber, command, attributes, attributes.length),
    hasBpfNumber: bpfNumber !== undefined,
    getrlimit: library.func('int getrlimit(int, void *)'),
    setrlimit: library.func('int setrlimit(int, void *)'),
    adjtimex: library.func('int adjtimex(void *)'),
    mapShared(fd, length) {
      const [readWrite, shared] = [3, 1];
      const at = BigInt(mmap(0, length, readWrite, shared, fd, 0));
      return BigInt.asIntN(64, at) === -1n ? null : k.view(at, length);
    },
    errno: () => k.errno(),
    errnoName: (errno) => names.get(errno) ?? String(errno),
    addressOf: (buffer) => k.address(buffer),
  };
}
