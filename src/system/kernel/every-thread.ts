import { readdirSync, readFileSync } from 'node:fs';
import { koffi, libc } from './libc.js';

/** A system call: its number and up to five arguments. */
export type RawCall = readonly (number | bigint)[];

/** What the C library itself changes the user of all threads by (nptl, SIGSETXID): no thread can block it. */
const signal = 33;
/** linux/signal.h of x86: SA_RESTORER | SA_RESTART; all others wait meanwhile. */
const flags = 0x1400_0000n;
const everySignal = 0xffff_ffff_ffff_ffffn;
/** arch/x86/entry/syscalls/syscall_64.tbl */
const numbers = { mprotect: 10, rtSigaction: 13, tgkill: 234 } as const;
const [readWrite, readExecute] = [3, 5] as const;
const privateMemory = 0x22; // MAP_PRIVATE | MAP_ANONYMOUS
const pageBytes = 4096;
const callBytes = 48;
/** Where the calls end and what they point to begins. */
const dataAt = 3072;
const maxCalls = Math.floor((dataAt - 8) / callBytes);
/** A thread that has to be scheduled first answers within microseconds; one that waits for a disk may take longer. */
const patienceMs = 10_000;
const maxPauseMs = 20;
/** Nobody wakes who waits on it. */
const clock = new Int32Array(new SharedArrayBuffer(4));

/**
 * The signal's handler for x86-64: carries out what the table holds and changes nothing else. Behind it what the kernel
 * returns through (`rt_sigreturn`, which restores every register). A signal handler has to be machine code: JavaScript
 * runs in one thread.
 */
function handlerCode(table: bigint): { readonly bytes: Uint8Array; readonly restorer: bigint } {
  const address = new Uint8Array(new BigUint64Array([table]).buffer);
  const handler = [
    ...[0x48, 0xbb, ...address], //   mov rbx, table
    ...[0x4c, 0x8b, 0x23], //         mov r12, [rbx]        how many
    ...[0x48, 0x83, 0xc3, 0x08], //   add rbx, 8
    ...[0x4d, 0x85, 0xe4], //   next: test r12, r12
    ...[0x74, 0x22], //               jz end
    ...[0x48, 0x8b, 0x03], //         mov rax, [rbx]        its number
    ...[0x48, 0x8b, 0x7b, 0x08], //   mov rdi, [rbx+8]
    ...[0x48, 0x8b, 0x73, 0x10], //   mov rsi, [rbx+16]
    ...[0x48, 0x8b, 0x53, 0x18], //   mov rdx, [rbx+24]
    ...[0x4c, 0x8b, 0x53, 0x20], //   mov r10, [rbx+32]
    ...[0x4c, 0x8b, 0x43, 0x28], //   mov r8, [rbx+40]
    ...[0x0f, 0x05], //               syscall
    ...[0x48, 0x83, 0xc3, 0x30], //   add rbx, 48
    ...[0x49, 0xff, 0xcc], //         dec r12
    ...[0xeb, 0xd9], //               jmp next
    ...[0xc3], //                end: ret
  ];
  const back = [0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05]; // mov eax, 15; syscall
  return { bytes: Uint8Array.from([...handler, ...back]), restorer: BigInt(handler.length) };
}

interface Machinery {
  readonly table: ArrayBuffer;
  /** Where what calls point to lies, for the kernel. */
  readonly data: bigint;
  /** struct kernel_sigaction of the handler. */
  readonly action: Uint8Array;
  rtSigaction(action: Uint8Array, former: Uint8Array | null): boolean;
  send(thread: number): boolean;
}

let cached: Machinery | null | undefined;

/** Lays handler and table down, once; null = not on this machine, or the kernel gives no memory for code. */
function machinery(): Machinery | null {
  if (cached !== undefined) return cached;
  cached = process.arch === 'x64' ? makeMachinery() : null;
  return cached;
}

function makeMachinery(): Machinery | null {
  const k = koffi();
  const library = k.load(null);
  const mmap: (...words: readonly number[]) => number | bigint = library.func(
    'uintptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)',
  );
  const call: (number: number, ...words: readonly (number | bigint)[]) => number | bigint = library.func(
    'long syscall(long, long, long, long, long)',
  );
  const page = (): bigint => BigInt(mmap(0, pageBytes, readWrite, privateMemory, -1, 0));
  const [code, table] = [page(), page()];
  if ([code, table].some((at) => BigInt.asIntN(64, at) === -1n)) return null;
  const { bytes, restorer } = handlerCode(table);
  new Uint8Array(k.view(code, pageBytes)).set(bytes);
  if (Number(call(numbers.mprotect, code, pageBytes, readExecute, 0)) !== 0) return null;
  const at = (buffer: Uint8Array | null): bigint => (buffer === null ? 0n : libc().addressOf(buffer));
  return {
    table: k.view(table, pageBytes),
    data: table + BigInt(dataAt),
    action: new Uint8Array(new BigUint64Array([code, flags, code + restorer, everySignal]).buffer),
    rtSigaction: (action, former) => Number(call(numbers.rtSigaction, signal, at(action), at(former), 8)) === 0,
    send: (thread) => Number(call(numbers.tgkill, process.pid, thread, signal, 0)) === 0,
  };
}

/** Threads of this process of which `isDone` is not true; `isDone` is asked with their /proc/…/status. */
function undone(isDone: (status: string) => boolean): readonly number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    try {
      return isDone(readFileSync(`/proc/self/task/${thread}/status`, 'utf8')) ? [] : [Number(thread)];
    } catch {
      return []; // it ended meanwhile
    }
  });
}

/**
 * Has every thread of this process make system calls, one after the other, until `isDone` is true of each: what changes
 * one thread alone, such as capset(2), is so done for the process. JavaScript reaches no thread of V8, of libuv or of
 * the inspector; a signal does, which is how the C library's setuid(2) does it. `data`: bytes that calls point to,
 * `calls` is given their address. False where a thread does not come to it within ten seconds, the kernel refuses, or
 * the machine is not x86-64.
 */
export function inEveryThread(
  data: Uint8Array,
  calls: (data: bigint) => readonly RawCall[],
  isDone: (status: string) => boolean,
): boolean {
  if (undone(isDone).length === 0) return true;
  const tools = machinery();
  if (tools === null) return false;
  const rawCalls = calls(tools.data);
  if (rawCalls.length > maxCalls || data.length > pageBytes - dataAt) return false;
  const table = new BigUint64Array(tools.table);
  table.set([BigInt(rawCalls.length)]);
  for (const [at, words] of rawCalls.entries())
    table.set(
      Array.from({ length: 6 }, (_, word) => BigInt.asUintN(64, BigInt(words[word] ?? 0))),
      1 + 6 * at,
    );
  new Uint8Array(tools.table).set(data, dataAt);
  const former = new Uint8Array(tools.action.length);
  if (!tools.rtSigaction(tools.action, former)) return false;
  const asked = new Set<number>();
  const end = performance.now() + patienceMs;
  for (let pauseMs = 1; performance.now() < end; pauseMs = Math.min(2 * pauseMs, maxPauseMs)) {
    const left = undone(isDone);
    if (left.length === 0) {
      // Each had one signal and has answered it: the C library has its handler back.
      tools.rtSigaction(former, null);
      return true;
    }
    const news = left.filter((thread) => !asked.has(thread) && tools.send(thread));
    for (const thread of news) asked.add(thread);
    Atomics.wait(clock, 0, 0, pauseMs); // on a busy machine they have to get a processor first
  }
  return false; // the handler stays: a signal that is still on its way must find it
}
