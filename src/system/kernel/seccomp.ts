import { type BpfInstruction, encodeBpf } from './bpf.js';
import { koffi, libc } from './libc.js';
import { type AllowList, type Condition, programWithout, seccompProgram } from './seccomp-program.js';
import { machineNamed, type SystemCall } from './system-calls.js';
import { ownPacketSockets } from './packet-socket.js';

const setModeFilter = 1;
const [thisThread, allThreads] = [0, 1] as const;
const noNewPrivileges = 38;

/** CLONE_THREAD of linux/sched.h: no other process. */
const newThread = 0x0001_0000;
/** CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const newNamespaces = 0x7e02_0080;
/** PR_SET_NAME and PR_SET_VMA of the C library and Node. */
const naming = [15, 0x5356_4d41] as const;
/** F_GETFD, F_SETFD, F_GETFL and F_SETFL make no descriptor. */
const flagsOfFiles = [1, 2, 3, 4] as const;
/** FIONREAD, FIONBIO, FIOCLEX of libuv. SIOCGIFFLAGS, SIOCGIFINDEX about links. */
const askedOfFiles = [0x541b, 0x5421, 0x5451, 0x8913, 0x8933] as const;
const [ofSockets, ofPacketSockets] = [1, 263] as const;
/** SO_ATTACH_FILTER, SO_DETACH_FILTER, SO_ATTACH_BPF. */
const filters = [26, 27, 50] as const;
/** PACKET_DROP_MEMBERSHIP, PACKET_RX_RING (libpcap takes its ring down), PACKET_IGNORE_OUTGOING. */
const packetOptions = [2, 5, 23] as const;

/** Needs of Node, V8 and the C library, observed or equivalent on older kernels, C libraries or arm64. */
const usual: readonly SystemCall[] = [
  'read',
  'recvfrom',
  'recvmsg',
  'epoll_wait',
  'epoll_pwait',
  'futex',
  'getsockopt',
  'clock_gettime',
  'madvise',
  'mprotect',
  'mmap',
  'munmap',
  'mremap',
  'brk',
  'pread64',
  'readv',
  'close',
  'fstat',
  'poll',
  'ppoll',
  'lseek',
  'rt_sigaction',
  'rt_sigprocmask',
  'rt_sigreturn',
  'sigaltstack',
  'sched_yield',
  'sched_getaffinity',
  'nanosleep',
  'clock_nanosleep',
  'clock_getres',
  'gettimeofday',
  'getrandom',
  'getcpu',
  'getpid',
  'getppid',
  'gettid',
  'getuid',
  'geteuid',
  'getgid',
  'getegid',
  'getrusage',
  'sysinfo',
  'uname',
  'fsync', // koffi waits for ever at its end if it is refused
  'fdatasync',
  'getsockname',
  'shutdown',
  'restart_syscall',
  'epoll_ctl',
  'epoll_pwait2',
  'eventfd2',
  'set_robust_list',
  'membarrier',
  'pkey_mprotect',
  'rseq',
  'exit',
  'exit_group',
];
const writing = ['write', 'writev'] as const;
const toFiles: readonly SystemCall[] = ['pwrite64', 'ftruncate', 'fallocate'];

const byName: readonly SystemCall[] = [
  'open',
  'openat',
  'stat',
  'lstat',
  'newfstatat',
  'statx',
  'access',
  'faccessat',
  'faccessat2',
  'getdents64',
  'getcwd',
  'readlink',
  'readlinkat',
  'rename',
  'renameat',
  'renameat2',
  'unlink',
  'unlinkat',
  'rmdir',
];

const needs = {
  judge: { always: [...toFiles, ...byName], sockets: 'sent' },
  parse: { always: [], sockets: 'sent' },
  capture: { always: toFiles, sockets: 'heard' },
  send: { always: ['sendmmsg'], sockets: 'sent' },
  relay: { always: ['sendto'], sockets: 'sent' },
} as const satisfies Readonly<
  Record<string, { readonly always: readonly SystemCall[]; readonly sockets: 'heard' | 'sent' }>
>;

/** The task of a sealed process. */
export type SealedRole = keyof typeof needs;

/** Allowed calls of a role. `pid`: the process's own; `deaf`: descriptors never written to. */
export function allowListOf(role: SealedRole, pid: number, deaf: readonly number[]): AllowList {
  const { always } = needs[role];
  const oneOf = (argument: number, values: readonly number[]): Condition => ({ argument, oneOf: values });
  return {
    always: [...usual, ...always],
    where: [
      ...writing.map((call) => [call, [[{ argument: 0, noneOf: deaf }]]] as const),
      [
        'setsockopt',
        [
          [oneOf(1, [ofSockets]), oneOf(2, filters)],
          [oneOf(1, [ofPacketSockets]), oneOf(2, packetOptions)],
        ],
      ],
      ['ioctl', [[oneOf(1, askedOfFiles)]]],
      ['fcntl', [[oneOf(1, flagsOfFiles)]]],
      ['prctl', [[oneOf(0, naming)]]],
      ['tgkill', [[oneOf(0, [pid])]]], // abort(3)
      ['clone', [[{ argument: 0, bits: newThread, without: newNamespaces }]]],
    ],
    notThere: ['clone3'], // its flags lie in memory, which filters do not see: the C library takes clone(2) instead
  };
}

/**
 * Calls off the role's list fail (EPERM) for good. It opens no file or socket, and starts or signals no process. A
 * capturing role sends nothing on packet sockets. Load modules before. Needs no_new_privs. False if refused or the
 * machine unknown.
 */
export function sealProcess(role: SealedRole): boolean {
  const machine = machineNamed(process.arch);
  const seccomp = machine?.numberOf('seccomp') ?? null;
  if (machine === null || seccomp === null) return false;
  const deaf = needs[role].sockets === 'heard' ? ownPacketSockets() : [];
  const instructions = seccompProgram(machine, allowListOf(role, process.pid, deaf));
  return setFilter(seccomp, instructions, allThreads);
}

function setFilter(seccomp: number, instructions: readonly BpfInstruction[], threads: number): boolean {
  const filter = encodeBpf(instructions);
  const program = new Uint8Array(16); // struct sock_fprog { u16 len; struct sock_filter *filter; }
  const view = new DataView(program.buffer);
  view.setUint16(0, instructions.length, true);
  view.setBigUint64(8, libc().addressOf(filter), true);
  const isSet = libc().syscall(seccomp, setModeFilter, threads, program) === 0;
  return isSet && filter.length > 0; // read until here: the kernel copies it during the call
}

let areRingsRefused: boolean | null = null;

/**
 * Denies io_uring to later processes. libuv 1.50 and later makes a ring before our code runs: a sealed process could
 * evade its filter by it, and aborts if blocked. Takes CAP_SYS_ADMIN, or sets no_new_privs. False if refused.
 */
export function refuseRings(): boolean {
  areRingsRefused ??= setRingFilter();
  return areRingsRefused;
}

function setRingFilter(): boolean {
  const machine = machineNamed(process.arch);
  const seccomp = machine?.numberOf('seccomp') ?? null;
  if (machine === null || seccomp === null) return false;
  const instructions = programWithout(machine, 'io_uring_setup');
  if (setFilter(seccomp, instructions, thisThread)) return true;
  // PR_SET_NO_NEW_PRIVS takes zeros behind its 1
  const prctl: (...words: readonly number[]) => number = koffi()
    .load(null)
    .func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)');
  return prctl(noNewPrivileges, 1, 0, 0, 0) === 0 && setFilter(seccomp, instructions, thisThread);
}
