import { release } from 'node:os';
import { libc } from './libc.js';

/** An instruction of classic BPF (linux/filter.h, struct sock_filter). Jumps are relative and forward. */
export type BpfInstruction = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

/** ld [SKF_AD_OFF + SKF_AD_PKTTYPE], which only the kernel can. */
export const loadPacketType: BpfInstruction = [0x20, 0, 0, 0xfffff004];
/** ret #0 */
export const refuse: BpfInstruction = [0x06, 0, 0, 0];
/** ret #262144: the whole frame. */
export const takeWhole: BpfInstruction = [0x06, 0, 0, 0x40000];

/** struct sock_filter in native byte order. */
export function encodeBpf(instructions: readonly BpfInstruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * 8);
  const halves = new Uint16Array(bytes.buffer);
  const words = new Uint32Array(bytes.buffer);
  instructions.forEach(([code, jumpTrue, jumpFalse, k], at) => {
    halves[at * 4] = code;
    bytes[at * 8 + 2] = jumpTrue;
    bytes[at * 8 + 3] = jumpFalse;
    words[at * 2 + 1] = k;
  });
  return bytes;
}

const BPF_OBJ_GET_INFO_BY_FD = 15;
/** Bytes of union bpf_attr in use. */
export const attributesLength = 64;

/** A bpf(2) command on 32-bit numbers, changed in place. Below 0 = refused. */
export function askBpf(
  command: number,
  words: readonly number[],
): { readonly result: number; readonly words: Uint32Array } {
  const attributes = new Uint8Array(attributesLength);
  const answered = new Uint32Array(attributes.buffer);
  answered.set(words);
  return { result: libc().bpf(command, attributes), words: answered };
}

/** struct bpf_link_info or bpf_prog_info. null = refused. */
export function bpfInfo(fd: number, info: Uint8Array): DataView | null {
  const attributes = new ArrayBuffer(attributesLength);
  new Uint32Array(attributes).set([fd, info.length]); // bpf_fd, info_len
  new BigUint64Array(attributes).set([libc().addressOf(info)], 1);
  return libc().bpf(BPF_OBJ_GET_INFO_BY_FD, new Uint8Array(attributes)) < 0 ? null : new DataView(info.buffer);
}

const [BPF_MAP_CREATE, BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_GET_NEXT_KEY] = [0, 1, 2, 4] as const;
const [BPF_PROG_LOAD, BPF_PROG_TEST_RUN, BPF_RAW_TRACEPOINT_OPEN, BPF_MAP_FREEZE] = [5, 10, 17, 22] as const;
const BPF_F_MMAPABLE = 1 << 10;
/** Programs only read the map. */
export const BPF_F_RDONLY_PROG = 1 << 7;
/** enum bpf_map_type. */
const mapTypes = { hash: 1, array: 2, 'array for each processor': 6 } as const;

/**
 * Before Linux 5.11 maps count as locked memory, of which root's shell has 64 KiB (bpf_charge_memlock,
 * kernel/bpf/syscall.c). Fields of struct rlimit have 8 bytes here.
 */
function chargesLockedMemory(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return (major < 5 || (major === 5 && minor < 11)) && process.arch !== 'arm' && process.arch !== 'ia32';
}

/** RLIMIT_MEMLOCK and RLIM_INFINITY (getrlimit(2)). */
const [lockedMemory, unlimited] = [8, 0xffff_ffff_ffff_ffffn] as const;

function limitLockedMemory(change: (soft: bigint, hard: bigint) => readonly [bigint, bigint]): BigUint64Array | null {
  const c = libc();
  const before = new BigUint64Array(2);
  if (c.getrlimit(lockedMemory, new Uint8Array(before.buffer)) < 0) return null;
  const wanted = new BigUint64Array(change(before[0] ?? 0n, before[1] ?? 0n));
  return c.setrlimit(lockedMemory, new Uint8Array(wanted.buffer)) < 0 ? null : before;
}

/**
 * Lets this process and children raise their locked memory, if maps count. Takes CAP_SYS_RESOURCE, which a run gives
 * up.
 */
export function mayLockMemory(): void {
  if (chargesLockedMemory()) limitLockedMemory((soft) => [soft, unlimited]);
}

/** Raises the soft limit of locked memory to the hard one meanwhile, if maps count. */
export function withLockedMemory<T>(make: () => T): T {
  const before = chargesLockedMemory() ? limitLockedMemory((_, hard) => [hard, hard]) : null;
  try {
    return make();
  } finally {
    if (before !== null) limitLockedMemory(() => [before[0] ?? 0n, before[1] ?? 0n]);
  }
}

/** Sizes in bytes. Keys of arrays have 4. */
export interface MapShape {
  readonly key: number;
  readonly value: number;
  readonly entries: number;
}

/** Makes a map (bpf(2), BPF_MAP_CREATE); null = not permitted or not supported. */
export function createBpfMap(type: keyof typeof mapTypes, { key, value, entries }: MapShape, flags = 0): number | null {
  const attributes = new Uint8Array(attributesLength);
  // map_type, key_size, value_size, max_entries, map_flags
  new Uint32Array(attributes.buffer).set([mapTypes[type], key, value, entries, flags]);
  const fd = libc().bpf(BPF_MAP_CREATE, attributes);
  return fd < 0 ? null : fd;
}

/**
 * Makes an array of `valueLength`-byte values; a plain one can be mapped into memory (Linux 5.5). null as for
 * `createBpfMap`.
 */
export function createBpfArray(
  type: Exclude<keyof typeof mapTypes, 'hash'>,
  valueLength: number,
  values: number,
): number | null {
  return createBpfMap(type, { key: 4, value: valueLength, entries: values }, type === 'array' ? BPF_F_MMAPABLE : 0);
}

function onMap(command: number, map: number, key: Uint8Array | null, value: Uint8Array): number {
  const c = libc();
  const attributes = new ArrayBuffer(attributesLength);
  new Uint32Array(attributes)[0] = map;
  new BigUint64Array(attributes).set([key === null ? 0n : c.addressOf(key), c.addressOf(value)], 1);
  return c.bpf(command, new Uint8Array(attributes));
}

/** Sets value 0. Per-processor values are padded to 8 bytes. False = refused. */
export function setBpfValue(map: number, value: Uint8Array): boolean {
  return onMap(BPF_MAP_UPDATE_ELEM, map, new Uint8Array(4), value) >= 0;
}

/** Copies a key's value; false = no such key. */
export function readBpfValue(map: number, key: Uint8Array, into: Uint8Array): boolean {
  return onMap(BPF_MAP_LOOKUP_ELEM, map, key, into) >= 0;
}

/** Keys of a map that is no longer written. */
export function bpfKeys(map: number, keyLength: number): readonly Uint8Array[] {
  const keys: Uint8Array[] = [];
  for (;;) {
    const next = new Uint8Array(keyLength);
    if (onMap(BPF_MAP_GET_NEXT_KEY, map, keys.at(-1) ?? null, next) < 0) return keys;
    keys.push(next);
  }
}

/** enum bpf_prog_type; for tracing also BPF_TRACE_RAW_TP of enum bpf_attach_type. */
const programTypes = { socket: 1, 'raw tracepoint': 17, tracing: 26 } as const;
const BPF_TRACE_RAW_TP = 23;
const loadAt = {
  instructions: 8,
  license: 16,
  logLevel: 24,
  logSize: 28,
  log: 32,
  attachType: 68,
  attachTo: 108,
} as const;
const loadLength = 120;
const maxTrials = 20;
/** Linux has one number for it and EAGAIN. */
const interruptedName = 'EWOULDBLOCK';

/** Loads an eBPF program (BPF_PROG_LOAD). `attachTo`: the tracepoint's type. Below 0 = refused. */
export function loadBpfProgram(
  type: keyof typeof programTypes,
  instructions: Uint8Array,
  attachTo = 0,
  log?: Uint8Array,
): number {
  const c = libc();
  const license = new TextEncoder().encode('GPL\0');
  const attributes = new Uint8Array(loadLength);
  const view = new DataView(attributes.buffer);
  view.setUint32(0, programTypes[type], true);
  view.setUint32(4, instructions.length / 8, true);
  view.setBigUint64(loadAt.instructions, c.addressOf(instructions), true);
  view.setBigUint64(loadAt.license, c.addressOf(license), true);
  if (log !== undefined) {
    view.setUint32(loadAt.logLevel, 1, true);
    view.setUint32(loadAt.logSize, log.length, true);
    view.setBigUint64(loadAt.log, c.addressOf(log), true);
  }
  if (attachTo !== 0) {
    view.setUint32(loadAt.attachType, BPF_TRACE_RAW_TP, true);
    view.setUint32(loadAt.attachTo, attachTo, true);
  }
  // a signal interrupts the kernel's proof (EAGAIN; do_check, kernel/bpf/verifier.c)
  for (let trial = 1; ; trial += 1) {
    const fd = c.bpf(BPF_PROG_LOAD, attributes);
    if (fd >= 0) return noteOwn(fd);
    if (trial === maxTrials || c.errnoName(c.errno()) !== interruptedName) return fd;
  }
}

/** The kernel reuses ids late. */
const ownPrograms = new Set<number>();

function noteOwn(program: number): number {
  const id = bpfInfo(program, new Uint8Array(8))?.getUint32(4, true);
  if (id !== undefined) ownPrograms.add(id);
  return program;
}

/** True if this process loaded it. */
export function isOwnProgram(id: number): boolean {
  return ownPrograms.has(id);
}

/** Loads a program for sockets; null = not permitted, or refused. */
export function loadSocketProgram(instructions: Uint8Array): number | null {
  const fd = loadBpfProgram('socket', instructions);
  return fd < 0 ? null : fd;
}

const logLength = 1 << 20;

/**
 * Attaches to a raw tracepoint (Linux 5.5), by the id of `btf_trace_NAME`, until closed. A text = the refusal, EPERM =
 * not permitted.
 */
export function attachToTracepoint(instructions: Uint8Array, tracepoint: number): TracingProgram | string {
  const c = libc();
  const program = loadBpfProgram('tracing', instructions, tracepoint);
  if (program < 0) {
    const why = c.errnoName(c.errno());
    if (why === 'EPERM') return why;
    const log = new Uint8Array(logLength);
    loadBpfProgram('tracing', instructions, tracepoint, log);
    return `${why}: ${Buffer.from(log.subarray(0, log.indexOf(0)))
      .toString('latin1')
      .trim()
      .slice(-300)}`;
  }
  const attributes = new Uint8Array(attributesLength);
  new Uint32Array(attributes.buffer)[2] = program; // no name: the program's type has the place
  const link = c.bpf(BPF_RAW_TRACEPOINT_OPEN, attributes);
  if (link >= 0) return { program, link };
  const why = c.errnoName(c.errno());
  c.close(program);
  return why;
}

/** Descriptors of a program and its attachment. */
export interface TracingProgram {
  readonly program: number;
  readonly link: number;
}

/** Calls skipped during a running one (Linux 5.12). 0 if not counted. */
export function missedCalls(program: number): number {
  const missesAt = 208;
  const info = bpfInfo(program, new Uint8Array(missesAt + 8));
  return info === null ? 0 : Number(info.getBigUint64(missesAt, true));
}

/** Ends writing: programs may treat values as constants. False = refused. */
export function freezeBpfMap(map: number): boolean {
  const attributes = new Uint8Array(attributesLength);
  new Uint32Array(attributes.buffer)[0] = map;
  return libc().bpf(BPF_MAP_FREEZE, attributes) >= 0;
}

/** Calls a raw tracepoint's program once (Linux 5.10). False = refused. */
export function callBpfProgram(program: number, argument: bigint): boolean {
  const c = libc();
  const context = new Uint8Array(8);
  new BigUint64Array(context.buffer)[0] = argument;
  const run = new Uint8Array(80);
  const view = new DataView(run.buffer);
  view.setUint32(0, program, true);
  view.setUint32(40, context.length, true); // ctx_size_in
  view.setBigUint64(48, c.addressOf(context), true); // ctx_in
  return c.bpf(BPF_PROG_TEST_RUN, run) >= 0;
}
