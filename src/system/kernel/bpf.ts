import { libc } from './libc.js';

/** One instruction of classic BPF (linux/filter.h, struct sock_filter). Jumps are relative and forward. */
export type BpfInstruction = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

/** ld [SKF_AD_OFF + SKF_AD_PKTTYPE]: the packet type, as only a program in the kernel can read it. */
export const loadPacketType: BpfInstruction = [0x20, 0, 0, 0xfffff004];
/** ret #0 */
export const refuse: BpfInstruction = [0x06, 0, 0, 0];
/** ret #262144: the frame whole. */
export const takeWhole: BpfInstruction = [0x06, 0, 0, 0x40000];

/** struct sock_filter { u16 code; u8 jt; u8 jf; u32 k; } for each instruction, in the machine's order. */
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

const BPF_PROG_QUERY = 16;
/** enum bpf_attach_type of linux/bpf.h: places at a device that no command of iproute2 shows. */
const places = { 'tcx ingress': 46, 'tcx egress': 47, 'netkit primary': 54, 'netkit peer': 55 } as const;
export type ProgramPlace = keyof typeof places;
export const programPlaces = ['tcx ingress', 'tcx egress', 'netkit primary', 'netkit peer'] as const;
/** More than anybody attaches at one place (BPF_MPROG_MAX). */
const maxPrograms = 64;
/** The part of union bpf_attr that the query is about: `struct { … } query`. */
const attributesLength = 64;
const at = { ifindex: 0, attachType: 4, ids: 16, count: 24 } as const;

/** What a kernel answers that knows no such command or place, or no such device, and so has no programs there. */
const absent: readonly string[] = ['EINVAL', 'ENOENT', 'ENODEV', 'ENXIO', 'ENOSYS', 'EOPNOTSUPP'];

/** Why there is no list of programs: `denied` = this user may not ask. */
export type NoPrograms = 'denied' | { readonly unknown: string };

/** What a refusal of the list of programs at a place means, by the name of its errno. */
export function refusedAs(place: ProgramPlace, errno: string): readonly number[] | NoPrograms {
  if (errno === 'EPERM') return 'denied';
  // programs of a pair are attached by its first device alone (netkit_dev_fetch, drivers/net/netkit.c)
  const isSecond = errno === 'EACCES' && place.startsWith('netkit');
  return isSecond || absent.includes(errno) ? [] : { unknown: errno };
}

const noNumber = `the system call bpf of ${process.arch} is not known to this program`;

/**
 * Ids of the programs that are attached to a device of the calling thread's network namespace (bpf(2), BPF_PROG_QUERY).
 * Empty also where the kernel knows no such place (before Linux 6.6), for then nobody can have attached anything there.
 */
export function programsAt(ifindex: number, place: ProgramPlace): readonly number[] | NoPrograms {
  const c = libc();
  if (!c.hasBpfNumber) return { unknown: noNumber };
  const ids = new Uint32Array(maxPrograms);
  const idBytes = new Uint8Array(ids.buffer);
  const attributes = new Uint8Array(attributesLength);
  const view = new DataView(attributes.buffer);
  view.setUint32(at.ifindex, ifindex, true);
  view.setUint32(at.attachType, places[place], true);
  view.setBigUint64(at.ids, c.addressOf(idBytes), true);
  view.setUint32(at.count, maxPrograms, true);
  if (c.bpf(BPF_PROG_QUERY, attributes) < 0) return refusedAs(place, c.errnoName(c.errno()));
  return [...ids.subarray(0, Math.min(maxPrograms, view.getUint32(at.count, true)))];
}

const [BPF_PROG_GET_FD_BY_ID, BPF_OBJ_GET_INFO_BY_FD] = [13, 15] as const;
const [BPF_LINK_GET_FD_BY_ID, BPF_LINK_GET_NEXT_ID] = [30, 31] as const;
const BPF_LINK_TYPE_NETFILTER = 10;
/** struct bpf_link_info: type, id, prog_id, padding, and of a link to netfilter pf and hook. */
const infoAt = { type: 0, program: 8, family: 16 } as const;
const infoLength = 64;
const AF_INET = 2;

/** A program that netfilter runs at one of its hooks (Linux 6.4). */
export interface NetfilterProgram {
  readonly id: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** One of the kernel's bpf(2) commands on numbers of 32 bits, which it changes; its result, negative = refused. */
function askBpf(command: number, words: readonly number[]): { readonly result: number; readonly words: Uint32Array } {
  const attributes = new Uint8Array(attributesLength);
  const answered = new Uint32Array(attributes.buffer);
  answered.set(words);
  return { result: libc().bpf(command, attributes), words: answered };
}

/**
 * A descriptor of a link; below 0 = refused. One that another process is just making answers EAGAIN, which Linux also
 * calls EWOULDBLOCK (bpf_link_by_id, kernel/bpf/syscall.c): then again, for some milliseconds.
 */
function openLink(link: number): number {
  const until = performance.now() + 200;
  for (;;) {
    const { result } = askBpf(BPF_LINK_GET_FD_BY_ID, [link]);
    const isBeingMade = result < 0 && libc().errnoName(libc().errno()) === 'EWOULDBLOCK';
    if (!isBeingMade || performance.now() > until) return result;
  }
}

/**
 * Programs of BPF at netfilter's hooks, of all network namespaces: the kernel does not say of which. They get packets
 * of IP, also bridged ones where netfilter gets these. Empty also where this user may not ask; a text = why they are
 * not known.
 */
export function netfilterPrograms(): readonly NetfilterProgram[] | string {
  const c = libc();
  if (!c.hasBpfNumber) return noNumber;
  const isEnd = (errno: string): boolean => errno === 'EPERM' || absent.includes(errno);
  const programs: NetfilterProgram[] = [];
  let next = askBpf(BPF_LINK_GET_NEXT_ID, [0]);
  while (next.result >= 0) {
    const [, link = 0] = next.words;
    const fd = openLink(link);
    if (fd >= 0) {
      const info = programInfo(fd, new Uint8Array(infoLength));
      c.close(fd);
      if (info?.getUint32(infoAt.type, true) === BPF_LINK_TYPE_NETFILTER)
        programs.push({
          id: info.getUint32(infoAt.program, true),
          family: info.getUint32(infoAt.family, true) === AF_INET ? 'ipv4' : 'ipv6',
        });
    } else {
      const why = c.errnoName(c.errno());
      if (!isEnd(why)) return why; // one that is gone is not there
    }
    next = askBpf(BPF_LINK_GET_NEXT_ID, [link]);
  }
  const why = c.errnoName(c.errno());
  return isEnd(why) ? programs : why;
}

/** struct bpf_link_info or bpf_prog_info of a descriptor, filled in; null = the kernel does not say. */
function programInfo(fd: number, info: Uint8Array): DataView | null {
  const attributes = new ArrayBuffer(attributesLength);
  new Uint32Array(attributes).set([fd, info.length]); // bpf_fd, info_len
  new BigUint64Array(attributes).set([libc().addressOf(info)], 1);
  return libc().bpf(BPF_OBJ_GET_INFO_BY_FD, new Uint8Array(attributes)) < 0 ? null : new DataView(info.buffer);
}

/** struct bpf_prog_info, until the program's name. */
const programAt = { tag: 8, codeLength: 20, code: 32, name: 64, end: 80 } as const;

/** A program in the kernel: its name, the tag of its instructions (hex), and these as the verifier left them. */
export interface LoadedProgram {
  readonly name: string;
  readonly tag: string;
  readonly code: Uint8Array;
}

/** The program of that number; null = it is gone, or this user may not ask (CAP_SYS_ADMIN). */
export function loadedProgram(id: number): LoadedProgram | null {
  const { result: fd } = askBpf(BPF_PROG_GET_FD_BY_ID, [id]);
  if (fd < 0) return null;
  try {
    const length = programInfo(fd, new Uint8Array(programAt.end))?.getUint32(programAt.codeLength, true) ?? 0;
    const code = new Uint8Array(length);
    const info = new Uint8Array(programAt.end);
    const view = new DataView(info.buffer);
    view.setUint32(programAt.codeLength, length, true);
    if (length > 0) view.setBigUint64(programAt.code, libc().addressOf(code), true);
    if (programInfo(fd, info) === null) return null;
    const [name = ''] = Buffer.from(info.subarray(programAt.name, programAt.end)).toString('latin1').split('\0');
    return { name, tag: Buffer.from(info.subarray(programAt.tag, programAt.tag + 8)).toString('hex'), code };
  } finally {
    libc().close(fd);
  }
}

const [BPF_MAP_CREATE, BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_GET_NEXT_KEY] = [0, 1, 2, 4] as const;
const [BPF_PROG_LOAD, BPF_PROG_TEST_RUN, BPF_RAW_TRACEPOINT_OPEN, BPF_MAP_FREEZE] = [5, 10, 17, 22] as const;
const BPF_F_MMAPABLE = 1 << 10;
/** Programs only read it. */
export const BPF_F_RDONLY_PROG = 1 << 7;
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
  // a signal that arrives interrupts the kernel's proof (EAGAIN; do_check, kernel/bpf/verifier.c)
  for (let trial = 1; ; trial += 1) {
    const fd = c.bpf(BPF_PROG_LOAD, attributes);
    if (fd >= 0 || trial === maxTrials || c.errnoName(c.errno()) !== interruptedName) return fd;
  }
}

/** Loads a program for sockets. Gives its descriptor; null = this user may not, or the kernel refuses the program. */
export function loadSocketProgram(instructions: Uint8Array): number | null {
  const fd = loadBpfProgram('socket', instructions);
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

/** From now on nobody writes the map: a program may take its values for constants. False = it cannot be. */
export function freezeBpfMap(map: number): boolean {
  const attributes = new Uint8Array(attributesLength);
  new Uint32Array(attributes.buffer)[0] = map;
  return libc().bpf(BPF_MAP_FREEZE, attributes) >= 0;
}

/** Calls a program of a raw tracepoint once, with a number as its first argument (Linux 5.10). False = refused. */
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
