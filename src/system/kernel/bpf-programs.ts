import { Assembler } from '../../core/wire/search-program.js';
import { attributesLength, programInfo } from './bpf.js';
import { libc } from './libc.js';

const [BPF_MAP_CREATE, BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_GET_NEXT_KEY] = [0, 1, 2, 4] as const;
const [BPF_PROG_LOAD, BPF_PROG_TEST_RUN, BPF_RAW_TRACEPOINT_OPEN, BPF_MAP_FREEZE] = [5, 10, 17, 22] as const;
const [BPF_F_RDONLY_PROG, BPF_F_MMAPABLE] = [1 << 7, 1 << 10] as const;
/** enum bpf_map_type. */
const mapTypes = { hash: 1, array: 2, 'array for each processor': 6 } as const;

/** Sizes in bytes; keys of arrays are numbers of 4. */
export interface MapShape {
  readonly key: number;
  readonly value: number;
  readonly entries: number;
}

/** Makes a map (bpf(2), BPF_MAP_CREATE). Gives its descriptor; null = this user may not, or the kernel cannot. */
export function createBpfMap(type: keyof typeof mapTypes, { key, value, entries }: MapShape, flags = 0): number | null {
  const attributes = new Uint8Array(attributesLength);
  // map_type, key_size, value_size, max_entries, map_flags
  new Uint32Array(attributes.buffer).set([mapTypes[type], key, value, entries, flags]);
  const fd = libc().bpf(BPF_MAP_CREATE, attributes);
  return fd < 0 ? null : fd;
}

/**
 * Makes an array of values of `valueLength` bytes; a plain one can be mapped into memory (Linux 5.5). Gives its
 * descriptor; null = this user may not, or the kernel does not know it.
 */
export function createBpfArray(
  type: Exclude<keyof typeof mapTypes, 'hash'>,
  valueLength: number,
  values: number,
): number | null {
  return createBpfMap(type, { key: 4, value: valueLength, entries: values }, type === 'array' ? BPF_F_MMAPABLE : 0);
}

/** A command on a map with two addresses behind its descriptor; below 0 = refused. */
function onMap(command: number, map: number, key: Uint8Array | null, value: Uint8Array): number {
  const c = libc();
  const attributes = new ArrayBuffer(attributesLength);
  new Uint32Array(attributes)[0] = map;
  new BigUint64Array(attributes).set([key === null ? 0n : c.addressOf(key), c.addressOf(value)], 1);
  return c.bpf(command, new Uint8Array(attributes));
}

/** Sets the value at 0; one for each processor stands behind the other, each in whole 8 bytes. False = it cannot. */
export function setBpfValue(map: number, value: Uint8Array): boolean {
  return onMap(BPF_MAP_UPDATE_ELEM, map, new Uint8Array(4), value) >= 0;
}

/** Copies the value of a key; false = there is none. */
export function readBpfValue(map: number, key: Uint8Array, into: Uint8Array): boolean {
  return onMap(BPF_MAP_LOOKUP_ELEM, map, key, into) >= 0;
}

/** The keys of a map that nothing writes any more. */
export function bpfKeys(map: number, keyLength: number): readonly Uint8Array[] {
  const keys: Uint8Array[] = [];
  for (;;) {
    const next = new Uint8Array(keyLength);
    if (onMap(BPF_MAP_GET_NEXT_KEY, map, keys.at(-1) ?? null, next) < 0) return keys;
    keys.push(next);
  }
}

/** enum bpf_prog_type; of one for tracing also BPF_TRACE_RAW_TP of enum bpf_attach_type. */
const programTypes = { socket: 1, 'raw tracepoint': 17, tracing: 26 } as const;
const BPF_TRACE_RAW_TP = 23;
/** Members of `struct { … } load` of union bpf_attr. */
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
/** Linux has one number for EAGAIN and this. */
const interruptedName = 'EWOULDBLOCK';

/**
 * Loads a program in eBPF (bpf(2), BPF_PROG_LOAD), for which the kernel first proves that it ends and stays within its
 * memory. `attachTo`: of one for tracing the type of its tracepoint. Gives its descriptor, or below 0.
 */
function loadProgram(
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
  // a signal that arrives interrupts the kernel's proof (EAGAIN; do_check, kernel/bpf/verifier.c)
  for (let trial = 1; ; trial += 1) {
    const fd = c.bpf(BPF_PROG_LOAD, attributes);
    if (fd >= 0 || trial === maxTrials || c.errnoName(c.errno()) !== interruptedName) return fd;
  }
}

/** Loads a program for sockets. Gives its descriptor; null = this user may not, or the kernel refuses the program. */
export function loadSocketProgram(instructions: Uint8Array): number | null {
  const fd = loadProgram('socket', instructions);
  return fd < 0 ? null : fd;
}

/** The end of what the kernel says of a program that it refuses. */
const logLength = 1 << 20;

/**
 * Loads a program for a raw tracepoint (Linux 5.5), by the number of the type `btf_trace_NAME`, and attaches it until
 * the descriptor that it gives is closed. A text = why the kernel refuses; EPERM = this user may not.
 */
export function attachToTracepoint(instructions: Uint8Array, tracepoint: number): TracingProgram | string {
  const c = libc();
  const program = loadProgram('tracing', instructions, tracepoint);
  if (program < 0) {
    const why = c.errnoName(c.errno());
    if (why === 'EPERM') return why;
    const log = new Uint8Array(logLength);
    loadProgram('tracing', instructions, tracepoint, log);
    return `${why}: ${Buffer.from(log.subarray(0, log.indexOf(0)))
      .toString('latin1')
      .trim()
      .slice(-300)}`;
  }
  const attributes = new Uint8Array(attributesLength);
  new Uint32Array(attributes.buffer)[2] = program; // no name: the program's own type says where
  const link = c.bpf(BPF_RAW_TRACEPOINT_OPEN, attributes);
  if (link >= 0) return { program, link };
  const why = c.errnoName(c.errno());
  c.close(program);
  return why;
}

/** Descriptors of a program and of what attaches it. */
export interface TracingProgram {
  readonly program: number;
  readonly link: number;
}

/** How often a program was not called as it was at work already (Linux 5.12); 0 where the kernel does not count it. */
export function missedCalls(program: number): number {
  const missesAt = 208;
  const info = programInfo(program, new Uint8Array(missesAt + 8));
  return info === null ? 0 : Number(info.getBigUint64(missesAt, true));
}

/** Bytes of a name, with what follows it. */
const symbolLength = 64;

/**
 * A program that writes the name of the function at the address in its first argument into a map: bpf_snprintf of Linux
 * 5.13 names it where /proc/kallsyms takes CAP_SYSLOG.
 */
function symbolProgram(format: number, names: number): Uint8Array {
  const [snprintf, lookUp] = [165, 1] as const;
  const [result, first, second, third, fourth, fifth, stack] = [0, 1, 2, 3, 4, 5, 10] as const;
  const program = new Assembler()
    .put('loadLong', { to: first, from: first, offset: 0 })
    .put('storeLong', { to: stack, from: first, offset: -16 })
    .put('storeWordOf', { to: stack, offset: -4, value: 0 });
  return program
    .map(first, names)
    .put('move', { to: second, from: stack })
    .put('increase', { to: second, value: -4 })
    .put('call', { value: lookUp })
    .put('ifEqual', { to: result, value: 0, offset: 'out' })
    .put('move', { to: first, from: result })
    .put('set', { to: second, value: symbolLength })
    .mapValue(third, format)
    .put('move', { to: fourth, from: stack })
    .put('increase', { to: fourth, value: -16 })
    .put('set', { to: fifth, value: 8 })
    .put('call', { value: snprintf })
    .label('out')
    .put('set', { to: result, value: 0 })
    .put('exit')
    .encode();
}

/** Names of the kernel's functions at these addresses; none on a kernel that cannot name them. */
export function kernelFunctions(addresses: readonly bigint[]): ReadonlyMap<bigint, string> {
  const c = libc();
  const found = new Map<bigint, string>();
  const shape = { key: 4, value: symbolLength, entries: 1 };
  const format = createBpfMap('array', { ...shape, value: 8 }, BPF_F_RDONLY_PROG);
  const names = createBpfMap('array', shape);
  const fds = [format, names].filter((fd) => fd !== null);
  try {
    if (format === null || names === null || !setBpfValue(format, Buffer.from('%ps\0\0\0\0\0', 'latin1'))) return found;
    const freeze = new Uint8Array(attributesLength);
    new Uint32Array(freeze.buffer)[0] = format;
    if (c.bpf(BPF_MAP_FREEZE, freeze) < 0) return found;
    const program = loadProgram('raw tracepoint', symbolProgram(format, names));
    if (program < 0) return found;
    fds.push(program);
    for (const address of addresses) {
      const context = new Uint8Array(8);
      new BigUint64Array(context.buffer)[0] = address;
      const run = new Uint8Array(80);
      const view = new DataView(run.buffer);
      view.setUint32(0, program, true);
      view.setUint32(40, context.length, true); // ctx_size_in
      view.setBigUint64(48, c.addressOf(context), true); // ctx_in
      const name = new Uint8Array(symbolLength);
      if (c.bpf(BPF_PROG_TEST_RUN, run) < 0 || !readBpfValue(names, new Uint8Array(4), name)) return found;
      found.set(address, Buffer.from(name.subarray(0, name.indexOf(0))).toString('latin1'));
    }
    return found;
  } finally {
    for (const fd of fds) c.close(fd);
  }
}
