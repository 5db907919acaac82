import { type BpfInstruction, encodeBpf } from './bpf.js';
import { libc } from './libc.js';

/** seccomp(2) and its filters: linux/seccomp.h, linux/filter.h. */
const setModeFilter = 1;
const allThreads = 1;
const code = { load: 0x20, equal: 0x15, atLeast: 0x35, anyBit: 0x45, give: 0x06 } as const;
const allow = 0x7fff_0000;
const notPermitted = 0x0005_0001; // SECCOMP_RET_ERRNO | EPERM
const notThere = 0x0005_0026; // SECCOMP_RET_ERRNO | ENOSYS
const wrongMachine = 0x8000_0000; // SECCOMP_RET_KILL_PROCESS
/** The first argument's lower half: both machines are little-endian. */
const placeOf = { number: 0, machine: 4, flags: 16 } as const;
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET of linux/sched.h. */
const newNamespaces = 0x7e02_0000;
/** System calls of x32 are numbered from here: the same calls by another name. */
const otherNumbers = 0x4000_0000;

interface Machine {
  /** AUDIT_ARCH_… of linux/audit.h. */
  readonly audit: number;
  readonly seccomp: number;
  /** socket, setns, unshare, mount, execve, execveat, ptrace, bpf, process_vm_readv, process_vm_writev. */
  readonly refused: readonly number[];
  /** Threads are made by it too, so only its flags for namespaces are refused. */
  readonly clone: number;
}

/**
 * io_uring_setup, by which sockets are opened too; pidfd_getfd, which takes those of other processes. The same number
 * on every machine, as all newer calls.
 */
const refusedEverywhere = [425, 438] as const;
/** Its flags lie in memory, where a filter does not look: the C library takes clone(2) where it is not there. */
const clone3 = 435;

/** Numbers of system calls: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const machines: Readonly<Record<string, Machine>> = {
  x64: { audit: 0xc000_003e, seccomp: 317, refused: [41, 308, 272, 165, 59, 322, 101, 321, 310, 311], clone: 56 },
  arm64: { audit: 0xc000_00b7, seccomp: 277, refused: [198, 268, 97, 40, 221, 281, 117, 280, 270, 271], clone: 220 },
};

function filterOf({ audit, refused, clone }: Machine): readonly BpfInstruction[] {
  const all = [...refused, ...refusedEverywhere];
  // Behind the questions come the three answers: allowed, not permitted, not there.
  const allowed = all.length + 5;
  const to = (answer: number, from: number): number => answer - from - 1;
  return [
    [code.load, 0, 0, placeOf.machine],
    [code.equal, 1, 0, audit],
    [code.give, 0, 0, wrongMachine],
    [code.load, 0, 0, placeOf.number],
    [code.atLeast, to(allowed + 1, 0), 0, otherNumbers],
    ...all.map((number, at): BpfInstruction => [code.equal, to(allowed + 1, at + 1), 0, number]),
    [code.equal, to(allowed + 2, all.length + 1), 0, clone3],
    [code.equal, 0, to(allowed, all.length + 2), clone],
    [code.load, 0, 0, placeOf.flags],
    [code.anyBit, to(allowed + 1, all.length + 4), to(allowed, all.length + 4), newNamespaces],
    [code.give, 0, 0, allow],
    [code.give, 0, 0, notPermitted],
    [code.give, 0, 0, notThere],
  ];
}

/**
 * From now on this process, in all its threads, can open no socket, enter or make no namespace, start no program and
 * look into no other process: the kernel refuses (EPERM), and nothing takes it back. What is open stays open. False
 * where the machine is of a kind whose system calls are not known here, or the kernel refuses the filter; then the
 * program's own refusal remains. Needs no_new_privs.
 */
export function sealProcess(): boolean {
  const machine = machines[process.arch];
  if (machine === undefined) return false;
  const instructions = filterOf(machine);
  const filter = encodeBpf(instructions);
  const program = new Uint8Array(16); // struct sock_fprog { u16 len; struct sock_filter *filter; }
  const view = new DataView(program.buffer);
  view.setUint16(0, instructions.length, true);
  view.setBigUint64(8, libc().addressOf(filter), true);
  const sealed = libc().syscall(machine.seccomp, setModeFilter, allThreads, program) === 0;
  return sealed && filter.length > 0; // read until here: the kernel copies it during the call
}
