/** This kernel's types, from /sys/kernel/btf/vmlinux (Documentation/bpf/btf.rst). */
export interface KernelTypes {
  /** Bytes, through nested members. null = no such name. */
  offsetOf(structure: string, ...members: readonly string[]): number | null;
  /** Bytes. null = no such structure. */
  sizeOf(structure: string): number | null;
  /** `btf_trace_NAME`. null = no such tracepoint. */
  tracepoint(name: string): Tracepoint | null;
  /** Of 32 bits. Empty = no such name. */
  valuesOf(enumeration: string): ReadonlyMap<number, string>;
}

/** `id`: of the type, to attach a program. */
export interface Tracepoint {
  readonly id: number;
  readonly parameters: number;
}

const magic = 0xeb9f;
/** BTF_KIND_* of linux/btf.h. */
const kinds = {
  int: 1,
  pointer: 2,
  array: 3,
  structure: 4,
  union: 5,
  enumeration: 6,
  typedef: 8,
  prototype: 13,
  variable: 14,
  section: 15,
  declTag: 17,
  enum64: 19,
} as const;
/** Typedef, volatile, const, restrict and type tag stand for another type. */
const namingKinds: readonly number[] = [8, 9, 10, 11, 18];
/** Each type begins with three words. */
function wordsBehind(kind: number, count: number): number {
  switch (kind) {
    case kinds.int:
    case kinds.variable:
    case kinds.declTag:
      return 1;
    case kinds.array:
      return 3;
    case kinds.structure:
    case kinds.union:
    case kinds.section:
    case kinds.enum64:
      return 3 * count;
    case kinds.enumeration:
    case kinds.prototype:
      return 2 * count;
    default:
      return 0;
  }
}

/** Reads the types; null = these bytes are no BTF of a little-endian kernel. Total over arbitrary bytes. */
export function parseBtf(bytes: Uint8Array): KernelTypes | null {
  const complete = bytes.length - (bytes.length % 4);
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, complete / 4);
  if (((words[0] ?? 0) & 0xffff) !== magic) return null;
  const [, headerLength = 0, typesAt = 0, typesLength = 0, stringsAt = 0, stringsLength = 0] = words;
  const begin = headerLength + typesAt;
  const from = headerLength + stringsAt;
  if (begin % 4 !== 0 || begin + typesLength > bytes.length || from > bytes.length) return null;
  const strings = Buffer.from(
    aligned.buffer,
    aligned.byteOffset + from,
    Math.max(0, Math.min(stringsLength, bytes.length - from)),
  );
  return new ParsedTypes(words, indexTypes(words, begin / 4, (begin + typesLength) / 4), strings);
}

/** In words. Number 0 is void. */
function indexTypes(words: Uint32Array, begin: number, end: number): Uint32Array {
  const starts = new Uint32Array(Math.ceil((end - begin) / 3) + 1);
  let count = 1;
  for (let at = begin; at < end; count += 1) {
    starts[count] = at;
    const info = words[at + 1] ?? 0;
    at += 3 + wordsBehind((info >>> 24) & 0x1f, info & 0xffff);
  }
  return starts.subarray(0, count);
}

class ParsedTypes implements KernelTypes {
  private readonly nameOffsets = new Map<string, number>();
  private readonly numbers = new Map<string, number | null>();

  constructor(
    private readonly words: Uint32Array,
    private readonly starts: Uint32Array,
    private readonly strings: Buffer,
  ) {}

  offsetOf(structure: string, ...members: readonly string[]): number | null {
    let type = this.find(structure, kinds.structure);
    let bytes = 0;
    for (const name of members) {
      const member = type === null ? null : this.member(type, this.nameOffset(name));
      if (member === null) return null;
      bytes += member.bytes;
      type = member.type;
    }
    return type === null ? null : bytes;
  }

  sizeOf(structure: string): number | null {
    const type = this.find(structure, kinds.structure);
    return type === null ? null : this.third(type);
  }

  tracepoint(name: string): Tracepoint | null {
    const id = this.find(`btf_trace_${name}`, kinds.typedef);
    if (id === null) return null;
    const prototype = this.bare(this.third(this.bare(id))); // a pointer to a function
    // the first parameter is the attached program's own
    return this.kind(prototype) === kinds.prototype ? { id, parameters: this.count(prototype) - 1 } : null;
  }

  valuesOf(enumeration: string): ReadonlyMap<number, string> {
    const type = this.find(enumeration, kinds.enumeration);
    const values = new Map<number, string>();
    if (type === null) return values;
    const at = this.start(type) + 3;
    for (let i = 0; i < this.count(type); i += 1)
      values.set(this.words[at + 2 * i + 1] ?? 0, this.text(this.words[at + 2 * i] ?? 0));
    return values;
  }

  private start(type: number): number {
    return this.starts[type] ?? 0;
  }

  private kind(type: number): number {
    return type === 0 ? 0 : ((this.words[this.start(type) + 1] ?? 0) >>> 24) & 0x1f;
  }

  private count(type: number): number {
    return (this.words[this.start(type) + 1] ?? 0) & 0xffff;
  }

  /** Its size, or the type it refers to. */
  private third(type: number): number {
    return this.words[this.start(type) + 2] ?? 0;
  }

  private bare(type: number): number {
    let bare = type;
    for (let turns = 0; namingKinds.includes(this.kind(bare)) && turns < 32; turns += 1) bare = this.third(bare);
    return bare;
  }

  /** Members of unnamed structures and unions belong to the outer one. */
  private member(of: number, name: number | null, depth = 0): { readonly bytes: number; readonly type: number } | null {
    const type = this.bare(of);
    if (name === null || depth > 8 || (this.kind(type) !== kinds.structure && this.kind(type) !== kinds.union))
      return null;
    const packed = ((this.words[this.start(type) + 1] ?? 0) & 0x8000_0000) !== 0; // sizes of bit fields above 24 bits
    for (let i = 0, at = this.start(type) + 3; i < this.count(type); i += 1, at += 3) {
      const [memberName = 0, memberType = 0, bits = 0] = this.words.subarray(at, at + 3);
      const bytes = (packed ? bits & 0xff_ffff : bits) >>> 3;
      if (memberName === name) return { bytes, type: memberType };
      const inner = memberName === 0 ? this.member(memberType, name, depth + 1) : null;
      if (inner !== null) return { bytes: bytes + inner.bytes, type: inner.type };
    }
    return null;
  }

  private find(name: string, kind: number): number | null {
    const key = `${kind} ${name}`;
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    const offset = this.nameOffset(name);
    let found: number | null = null;
    const { words, starts } = this;
    for (let type = 1; offset !== null && found === null && type < starts.length; type += 1) {
      const at = starts[type] ?? 0;
      if (words[at] === offset && (((words[at + 1] ?? 0) >>> 24) & 0x1f) === kind) found = type;
    }
    this.numbers.set(key, found);
    return found;
  }

  private nameOffset(name: string): number | null {
    const known = this.nameOffsets.get(name);
    if (known !== undefined) return known < 0 ? null : known;
    const at = this.strings.indexOf(`\0${name}\0`, 0, 'latin1');
    this.nameOffsets.set(name, at < 0 ? -1 : at + 1);
    return at < 0 ? null : at + 1;
  }

  private text(at: number): string {
    const end = this.strings.indexOf(0, at);
    return this.strings.toString('latin1', at, end < 0 ? undefined : end);
  }
}

/** This kernel's offsets of members, in bytes. */
export interface PacketLayout {
  readonly device: number;
  readonly length: number;
  readonly macHeader: number;
  readonly tail: number;
  readonly head: number;
  readonly data: number;
  /** Of struct net_device. */
  readonly ifindex: number;
  readonly net: number;
  /** Of struct net. */
  readonly number: number;
  /** null: other member names, so readers in namespaces below ours are unknown. */
  readonly process: ProcessLayout | null;
}

/** From a task to its numbers by PID namespace (struct pid, struct upid). */
export interface ProcessLayout {
  readonly leader: number;
  readonly pid: number;
  readonly level: number;
  readonly numbers: number;
  /** Bytes of an entry, which begins with the number. */
  readonly each: number;
  readonly namespace: number;
  readonly inode: number;
}

function processLayout(types: KernelTypes): ProcessLayout | null {
  const [leader, pid] = [types.offsetOf('task_struct', 'group_leader'), types.offsetOf('task_struct', 'thread_pid')];
  const [level, numbers] = [types.offsetOf('pid', 'level'), types.offsetOf('pid', 'numbers')];
  const each = types.sizeOf('upid');
  const [namespace, inode] = [types.offsetOf('upid', 'ns'), types.offsetOf('pid_namespace', 'ns', 'inum')];
  if (leader === null || pid === null || level === null || numbers === null) return null;
  if (each === null || namespace === null || inode === null || types.offsetOf('upid', 'nr') !== 0) return null;
  return { leader, pid, level, numbers, each, namespace, inode };
}

/** Null: a member has another name in this kernel. */
export function packetLayout(types: KernelTypes): PacketLayout | null {
  const inPacket = (member: string): number | null => types.offsetOf('sk_buff', member);
  const [device, length, macHeader] = [inPacket('dev'), inPacket('len'), inPacket('mac_header')];
  const [tail, head, data] = [inPacket('tail'), inPacket('head'), inPacket('data')];
  const ifindex = types.offsetOf('net_device', 'ifindex');
  const net = types.offsetOf('net_device', 'nd_net', 'net');
  const number = types.offsetOf('net', 'ns', 'inum');
  if (device === null || length === null || macHeader === null || tail === null || head === null || data === null)
    return null;
  if (ifindex === null || net === null || number === null) return null;
  return { device, length, macHeader, tail, head, data, ifindex, net, number, process: processLayout(types) };
}
