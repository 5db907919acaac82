/**
 * System calls by machine: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h; null = none.
 */
const table = {
  open: [2, null],
  openat: [257, 56],
  stat: [4, null],
  lstat: [6, null],
  newfstatat: [262, 79],
  statx: [332, 291],
  access: [21, null],
  faccessat: [269, 48],
  faccessat2: [439, 439],
  getdents64: [217, 61],
  getcwd: [79, 17],
  readlink: [89, null],
  readlinkat: [267, 78],
  rename: [82, null],
  renameat: [264, 38],
  renameat2: [316, 276],
  unlink: [87, null],
  unlinkat: [263, 35],
  rmdir: [84, null],
  read: [0, 63],
  write: [1, 64],
  close: [3, 57],
  fstat: [5, 80],
  poll: [7, null],
  lseek: [8, 62],
  mmap: [9, 222],
  mprotect: [10, 226],
  munmap: [11, 215],
  brk: [12, 214],
  rt_sigaction: [13, 134],
  rt_sigprocmask: [14, 135],
  rt_sigreturn: [15, 139],
  ioctl: [16, 29],
  pread64: [17, 67],
  pwrite64: [18, 68],
  readv: [19, 65],
  writev: [20, 66],
  sched_yield: [24, 124],
  mremap: [25, 216],
  madvise: [28, 233],
  nanosleep: [35, 101],
  getpid: [39, 172],
  sendto: [44, 206],
  recvfrom: [45, 207],
  sendmsg: [46, 211],
  recvmsg: [47, 212],
  shutdown: [48, 210],
  getsockname: [51, 204],
  setsockopt: [54, 208],
  getsockopt: [55, 209],
  clone: [56, 220],
  exit: [60, 93],
  uname: [63, 160],
  fcntl: [72, 25],
  fsync: [74, 82],
  fdatasync: [75, 83],
  ftruncate: [77, 46],
  gettimeofday: [96, 169],
  getrusage: [98, 165],
  sysinfo: [99, 179],
  getuid: [102, 174],
  getgid: [104, 176],
  geteuid: [107, 175],
  getegid: [108, 177],
  getppid: [110, 173],
  sigaltstack: [131, 132],
  prctl: [157, 167],
  gettid: [186, 178],
  futex: [202, 98],
  sched_getaffinity: [204, 123],
  restart_syscall: [219, 128],
  clock_gettime: [228, 113],
  clock_getres: [229, 114],
  clock_nanosleep: [230, 115],
  exit_group: [231, 94],
  epoll_wait: [232, null],
  epoll_ctl: [233, 21],
  tgkill: [234, 131],
  ppoll: [271, 73],
  set_robust_list: [273, 99],
  epoll_pwait: [281, 22],
  fallocate: [285, 47],
  eventfd2: [290, 19],
  sendmmsg: [307, 269],
  getcpu: [309, 168],
  seccomp: [317, 277],
  getrandom: [318, 278],
  membarrier: [324, 283],
  pkey_mprotect: [329, 288],
  rseq: [334, 293],
  clone3: [435, 435],
  io_uring_setup: [425, 425],
  epoll_pwait2: [441, 441],
} as const satisfies Readonly<Record<string, readonly [x64: number, arm64: number | null]>>;

/** A system call that filters name. */
export type SystemCall = keyof typeof table;

/** AUDIT_ARCH_… of linux/audit.h, and the column of the table. */
const machines: Readonly<Record<string, { readonly audit: number; readonly column: 0 | 1 }>> = {
  x64: { audit: 0xc000_003e, column: 0 },
  arm64: { audit: 0xc000_00b7, column: 1 },
};

/** A machine with known system calls. */
export interface Machine {
  readonly audit: number;
  /** null = no such call. */
  numberOf(call: SystemCall): number | null;
}

/** The machine by `process.arch`; null = unknown. */
export function machineNamed(name: string): Machine | null {
  const machine = machines[name];
  return machine === undefined ? null : { audit: machine.audit, numberOf: (call) => table[call][machine.column] };
}
