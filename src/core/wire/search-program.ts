import { createHash } from 'node:crypto';
import { magicHigh, magicLow, markLength } from './token.js';
import { searchDepth } from './token-filter.js';

/**
 * A capture filter's word `token` (token-filter.ts), or no filter, as an eBPF program: it costs a talking guest a third
 * of classic BPF's time, and counts frames. Instructions as in linux/bpf.h and RFC 9669.
 *
 * The six bytes of magic and run's tag differ, so that every sixth byte of a frame is enough: a table has each byte's
 * place in the mark.
 */

/**
 * Size of the map of counts, by interface number. Number 0, which no interface has, is the snap length: the kernel cuts
 * a frame to the program's result.
 */
export const countedInterfaces = 1 << 16;

const looks = 4;
const tableLength = 256;
/** A mark may begin before the frame's first byte. */
const frameAt = tableLength + 8;
/** Bytes of the working value: the table and a copy of the frame's start. */
export const workLength = frameAt + searchDepth + markLength * looks + 16;

/** struct __sk_buff. */
const skb = { length: 0, packetType: 4, interface: 40 } as const;
const outgoing = 4; // PACKET_OUTGOING
const helpers = { lookUp: 1, loadBytes: 26 } as const;
const wholeFrame = 0x40000;

function markOf(runTag: number): readonly number[] {
  return [magicHigh, magicLow, runTag >>> 24, (runTag >>> 16) & 0xff, (runTag >>> 8) & 0xff, runTag & 0xff];
}

/** True if the mark's bytes differ and none is 0. */
export function isSearchable(runTag: number): boolean {
  const mark = markOf(runTag);
  return new Set(mark).size === markLength && !mark.includes(0);
}

/** One processor's initial working value: `workLength` bytes. */
export function searchTable(runTag: number): Uint8Array {
  const table = new Uint8Array(workLength);
  markOf(runTag).forEach((byte, place) => (table[byte] = markLength - place));
  return table;
}

type Opcode = keyof typeof opcodes;
const opcodes = {
  loadByte: 0x71,
  loadHalf: 0x69,
  loadWord: 0x61,
  loadLong: 0x79,
  storeByte: 0x73,
  storeWord: 0x63,
  storeLong: 0x7b,
  storeWordOf: 0x62,
  storeLongOf: 0x7a,
  atomicAdd: 0xdb,
  loadMap: 0x18,
  move: 0xbf,
  set: 0xb7,
  setWord: 0xb4,
  add: 0x0f,
  increase: 0x07,
  subtract: 0x1f,
  decreaseWord: 0x14,
  and: 0x57,
  shiftRight: 0x77,
  toBigEndian: 0xdc,
  jump: 0x05,
  ifEqual: 0x15,
  ifEqualRegister: 0x1d,
  ifNotEqual: 0x55,
  ifNotEqualRegister: 0x5d,
  ifGreater: 0x25,
  ifNotLess: 0x35,
  ifNotGreater: 0xb5,
  ifLess: 0xa5,
  ifGreaterRegister: 0x2d,
  ifNotLessRegister: 0x3d,
  ifNotGreaterRegister: 0xbd,
  call: 0x85,
  exit: 0x95,
} as const;

interface Instruction {
  readonly opcode: number;
  readonly to: number;
  readonly from: number;
  readonly offset: number | string;
  readonly value: number;
}

/**
 * Assembles instructions with labels. Opcodes in `Of` and those without a second register take `value`; those in
 * `Register` compare with `from`.
 */
export class Assembler {
  private readonly instructions: Instruction[] = [];
  private readonly labels = new Map<string, number>();

  put(opcode: Opcode, parts: Partial<Omit<Instruction, 'opcode'>> = {}): this {
    this.instructions.push({ opcode: opcodes[opcode], to: 0, from: 0, offset: 0, value: 0, ...parts });
    return this;
  }

  label(name: string): this {
    this.labels.set(name, this.instructions.length);
    return this;
  }

  onStack(to: number, offset: number): this {
    return this.put('move', { to, from: 10 }).put('increase', { to, value: offset });
  }

  addOne(): this {
    return this.put('set', { to: 1, value: 1 }).put('atomicAdd', { to: 0, from: 1 });
  }

  exit(value: number): this {
    return this.put('set', { to: 0, value }).put('exit');
  }

  /** BPF_PSEUDO_MAP_FD: two instructions. */
  map(to: number, fd: number): this {
    return this.wide({ to, from: 1, value: fd }, 0);
  }

  /** BPF_PSEUDO_MAP_VALUE, for an array of one (Linux 5.2): two instructions. */
  mapValue(to: number, fd: number): this {
    return this.wide({ to, from: 2, value: fd }, 0);
  }

  long(to: number, value: bigint): this {
    return this.wide({ to, value: Number(BigInt.asIntN(32, value)) }, Number(BigInt.asIntN(32, value >> 32n)));
  }

  private wide(parts: Partial<Instruction>, high: number): this {
    this.put('loadMap', parts);
    this.instructions.push({ opcode: 0, to: 0, from: 0, offset: 0, value: high });
    return this;
  }

  /** struct bpf_insn { u8 code; u8 dst:4, src:4; s16 off; s32 imm; }, little-endian. */
  encode(): Uint8Array {
    const bytes = new Uint8Array(this.instructions.length * 8);
    const view = new DataView(bytes.buffer);
    this.instructions.forEach(({ opcode, to, from, offset, value }, at) => {
      const distance = typeof offset === 'number' ? offset : (this.labels.get(offset) ?? at) - at - 1;
      view.setUint8(at * 8, opcode);
      view.setUint8(at * 8 + 1, to | (from << 4));
      view.setInt16(at * 8 + 2, distance, true);
      view.setInt32(at * 8 + 4, value, true);
    });
    return bytes;
  }
}

const [result, first, second, third, fourth, fifth] = [0, 1, 2, 3, 4, 5] as const;
/** Calls preserve them. */
const [context, length, work, stack] = [6, 8, 9, 10] as const;
const keyAt = -4;

function lookUp(program: Assembler, map: number, absent: string): void {
  program
    .put('storeWord', { to: stack, from: first, offset: keyAt })
    .map(first, map)
    .onStack(second, keyAt)
    .put('call', { value: helpers.lookUp })
    .put('ifEqual', { to: result, value: 0, offset: absent });
}

function count(program: Assembler, counts: number): void {
  program.put('loadWord', { to: first, from: context, offset: skb.interface });
  lookUp(program, counts, 'search');
  program.addOne();
}

function load(program: Assembler, table: number): void {
  program
    .put('loadWord', { to: length, from: context, offset: skb.length })
    .put('ifGreater', { to: length, value: searchDepth, offset: 'long' })
    .put('jump', { offset: 'short' })
    .label('long')
    .put('set', { to: length, value: searchDepth })
    .label('short')
    .put('ifLess', { to: length, value: markLength, offset: 'none' })
    .put('set', { to: first, value: 0 });
  lookUp(program, table, 'found');
  program
    .put('move', { to: work, from: result })
    .put('move', { to: first, from: context })
    .put('set', { to: second, value: 0 })
    .put('move', { to: third, from: work })
    .put('increase', { to: third, value: frameAt })
    .put('move', { to: fourth, from: length })
    .put('call', { value: helpers.loadBytes })
    // what cannot be read is kept: the reader sees what it is
    .put('ifNotEqual', { to: result, value: 0, offset: 'found' });
}

function search(program: Assembler, mark: readonly number[]): void {
  const places = Array.from({ length: looks }, (_, look) => look * markLength);
  program
    .put('set', { to: first, value: markLength - 1 })
    .label('turn')
    // this way round: Linux 6.1 decides such a jump only where the constant stands right
    .put('ifNotGreaterRegister', { to: length, from: first, offset: 'none' })
    .put('move', { to: second, from: work })
    .put('add', { to: second, from: first });
  for (const place of places)
    program
      .put('loadByte', { to: third, from: second, offset: frameAt + place })
      .put('move', { to: fourth, from: work })
      .put('add', { to: fourth, from: third })
      .put('loadByte', { to: fourth, from: fourth })
      .put('ifNotEqual', { to: fourth, value: 0, offset: `perhaps ${place}` })
      .label(`after ${place}`);
  program.put('increase', { to: first, value: markLength * looks }).put('jump', { offset: 'turn' });
  for (const place of places) {
    const next = `after ${place}`;
    // register 4 has how much of the mark would follow; it is added, since the verifier wants no negative unknown
    program
      .label(`perhaps ${place}`)
      .put('and', { to: fourth, value: 7 })
      .put('move', { to: fifth, from: second })
      .put('add', { to: fifth, from: fourth });
    mark.forEach((byte, at) =>
      program
        .put('loadByte', { to: result, from: fifth, offset: frameAt + place - markLength + at })
        .put('ifNotEqual', { to: result, value: byte, offset: next }),
    );
    // a mark that ends behind the frame was left over from a longer one
    program
      .put('move', { to: result, from: first })
      .put('add', { to: result, from: fourth })
      .put('increase', { to: result, value: place })
      .put('ifGreaterRegister', { to: result, from: length, offset: next })
      .put('jump', { offset: 'found' });
  }
}

/** The frames that a program takes: `out` only outgoing ones. Both count only these. */
export type SearchKind = 'out' | 'every';

/** Goes on at `search`; kind `out` refuses all others at `none`. */
function countLeaving(kind: SearchKind, counts: number): Assembler {
  const program = new Assembler()
    .put('move', { to: context, from: first })
    .put('loadWord', { to: first, from: context, offset: skb.packetType })
    .put('ifNotEqual', { to: first, value: outgoing, offset: kind === 'out' ? 'none' : 'search' });
  count(program, counts);
  return program.label('search');
}

function refuse(program: Assembler): void {
  program.label('none').exit(0);
}

function take(program: Assembler, counts: number): void {
  program.label('found').put('set', { to: first, value: 0 });
  lookUp(program, counts, 'whole');
  program.put('loadWord', { to: result, from: result }).put('exit').label('whole').exit(wholeFrame);
}

/**
 * The program of a socket for frames with a token of the run in the first `searchDepth` bytes. `counts`, `table`:
 * descriptors of an array of `countedInterfaces` 8-byte counters, and of a per-processor array of one `searchTable`.
 * Linux 5.3 and newer, little-endian.
 */
export function searchProgram(
  runTag: number,
  kind: SearchKind,
  { counts, table }: { readonly counts: number; readonly table: number },
): Uint8Array {
  const program = countLeaving(kind, counts);
  load(program, table);
  search(program, markOf(runTag));
  refuse(program);
  take(program, counts);
  return program.encode();
}

/** For every frame; `counts` as of `searchProgram`. */
export function everyFrameProgram(kind: SearchKind, counts: number): Uint8Array {
  const program = countLeaving(kind, counts);
  take(program, counts);
  if (kind === 'out') refuse(program); // the kernel takes no program with instructions that nothing leads to
  return program.encode();
}

/** Linux 6.18 and newer hash programs' tags with the second. */
const tagHashes = ['sha1', 'sha256'] as const;

/** bpf_prog_calc_tag, kernel/bpf/core.c. */
function tagsOf(code: Uint8Array): readonly string[] {
  return tagHashes.map((hash) => createHash(hash).update(code).digest('hex').slice(0, 16));
}

/** True of an observer's program of any run: its code holds the run's tag. `code`: as the kernel runs it. */
export function isSearchProgram(tag: string, code: Uint8Array): boolean {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const compared: number[] = [];
  for (let at = 0; at + 8 <= code.length; at += 8)
    if (view.getUint8(at) === opcodes.ifNotEqual) compared.push(view.getInt32(at + 4, true));
  const at = compared.findIndex((value, place) => value === magicHigh && compared[place + 1] === magicLow);
  const runTag = compared.slice(at + 2, at + markLength).reduce((sum, byte) => sum * 256 + byte, 0);
  const maps = { counts: 0, table: 0 };
  const kinds = ['out', 'every'] as const;
  return kinds
    .map((kind) => (at < 0 ? everyFrameProgram(kind, maps.counts) : searchProgram(runTag, kind, maps)))
    .some((program) => tagsOf(program).includes(tag));
}
