import { once } from '../../text/collections.js';

/** A frame with unknown bytes, as a filter sees it. */
export interface SeenFrame {
  /** From its link header on. */
  readonly bytes: Uint8Array;
  /** 1 = any value. */
  readonly unknown: Uint8Array;
  /** 0, or the network header for a socket without link header. */
  readonly dataAt: number;
  /** For negative offsets. null = it depends on the frame's way. */
  readonly networkAt: number | null;
  /** EtherType. */
  readonly protocol: number;
  /** More bytes may follow. */
  readonly isOpen?: true;
  /** Offsets of ports that may be any but DHCP's. */
  readonly ports?: readonly number[];
  readonly isUnicast?: true;
}

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

/** Unknown bits are 0 in `bits`. */
interface Bits {
  readonly bits: number;
  readonly known: number;
}

type Value = number | Bits | 'any' | 'even' | 'other port';

interface Machine {
  a: Value;
  x: Value;
  readonly memory: Value[];
}

/** Compared without sign (linux/filter.h). */
const offsets = { ancillary: 0xffff_f000, network: 0xfff0_0000, link: 0xffe0_0000, negative: 0x8000_0000 } as const;
const maxInstructions = 4096;
/** SKF_AD_PROTOCOL: other ancillary data may be anything. */
const askedProtocol = 0;
const dhcpPorts: readonly number[] = [67, 68, 546, 547];
const sizes = [4, 2, 1] as const;
const mode = {
  immediate: 0x00,
  absolute: 0x20,
  indirect: 0x40,
  memory: 0x60,
  length: 0x80,
  headerLength: 0xa0,
} as const;

function instructionsOf(program: Uint8Array): readonly Instruction[] | null {
  if (program.length === 0 || program.length % 8 !== 0 || program.length / 8 > maxInstructions) return null;
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  return Array.from({ length: program.length / 8 }, (_, index) => [
    view.getUint16(index * 8, true),
    view.getUint8(index * 8 + 2),
    view.getUint8(index * 8 + 3),
    view.getUint32(index * 8 + 4, true),
  ]);
}

const readOnce = once(instructionsOf);

/** A read beyond the frame ends the program, which takes nothing. */
function bytesAt({ bytes, unknown, isOpen, ports, isUnicast }: SeenFrame, at: number, size: number): Value | 'refused' {
  if (at + size > bytes.length) return isOpen === true ? 'any' : 'refused';
  if (size === 2 && ports?.includes(at) === true) return 'other port';
  let [value, known] = [0, 0];
  for (let i = at; i < at + size; i += 1) {
    const isKnown = unknown[i] !== 1;
    value = value * 256 + (isKnown ? (bytes[i] ?? 0) : 0);
    known = known * 256 + (isKnown ? 0xff : 0);
  }
  if (known === 0) return isUnicast === true && size === 1 && at === 0 ? 'even' : 'any';
  const beyond = size === 4 ? 0 : ~(2 ** (8 * size) - 1);
  return partly(value, known | beyond);
}

function partly(bits: number, known: number): Value {
  return known >>> 0 === 0xffff_ffff ? bits >>> 0 : { bits: bits >>> 0, known: known >>> 0 };
}

/** bpf_internal_load_pointer_neg_helper, kernel/bpf/core.c. */
function frameAt(frame: SeenFrame, offset: number, size: number): Value | 'refused' {
  if (offset < offsets.negative) return bytesAt(frame, frame.dataAt + offset, size);
  if (offset >= offsets.network)
    return frame.networkAt === null ? 'any' : bytesAt(frame, frame.networkAt + offset - offsets.network, size);
  return offset >= offsets.link ? bytesAt(frame, offset - offsets.link, size) : 'refused';
}

function loaded(code: number, k: number, { x, memory }: Machine, frame: SeenFrame): Value | 'refused' {
  const size = sizes[(code >> 3) & 3] ?? 4;
  switch (code & 0xe0) {
    case mode.immediate:
      return k;
    case mode.absolute:
      if (k < offsets.ancillary) return frameAt(frame, k, size);
      return k - offsets.ancillary === askedProtocol ? frame.protocol : 'any';
    case mode.indirect:
      return typeof x === 'number' ? frameAt(frame, (x + k) >>> 0, size) : 'any';
    case mode.memory:
      return memory[k & 15] ?? 0;
    case mode.length:
      return frame.isOpen === true ? 'any' : frame.bytes.length - frame.dataAt;
    case mode.headerLength: {
      const byte = frameAt(frame, k, 1);
      if (byte === 'refused') return byte;
      return typeof byte === 'number' ? (byte & 0x0f) * 4 : 'any';
    }
    default:
      return 'any';
  }
}

/** Division by 0 ends the program. */
function calculated(operation: number, a: number, operand: number): Value | 'refused' {
  switch (operation) {
    case 0x00:
      return (a + operand) >>> 0;
    case 0x10:
      return (a - operand) >>> 0;
    case 0x20:
      return Math.imul(a, operand) >>> 0;
    case 0x30:
      return operand === 0 ? 'refused' : Math.floor(a / operand);
    case 0x40:
      return (a | operand) >>> 0;
    case 0x50:
      return (a & operand) >>> 0;
    case 0x60:
      return operand > 31 ? 'any' : (a << operand) >>> 0; // as the machine does
    case 0x70:
      return operand > 31 ? 'any' : a >>> operand;
    case 0x80:
      return -a >>> 0;
    case 0x90:
      return operand === 0 ? 'refused' : a % operand;
    default:
      return (a ^ operand) >>> 0;
  }
}

function result(operation: number, a: Value, operand: Value): Value | 'refused' {
  if (typeof operand !== 'number') return 'any';
  if (typeof a === 'number') return calculated(operation, a, operand);
  if (typeof a === 'object') return operation === 0x50 ? partly(a.bits & operand, a.known | ~operand) : 'any';
  return a === 'even' && operation === 0x50 && operand === 1 ? 0 : 'any';
}

function holdsPartly(kind: number, { bits, known }: Bits, operand: number): boolean | null {
  if (kind === 0x10) return ((bits ^ operand) & known) === 0 ? null : false;
  if (kind !== 0x40) return null;
  if ((bits & operand) !== 0) return true;
  return (operand & ~known) === 0 ? false : null;
}

/** null = it may hold or not. */
function holds(kind: number, a: Value, operand: Value): boolean | null {
  if (typeof operand !== 'number') return null;
  if (a === 'other port') return kind === 0x10 && dhcpPorts.includes(operand) ? false : null;
  if (a === 'even') return kind === 0x40 && operand === 1 ? false : null;
  if (a === 'any') return null;
  if (typeof a === 'object') return holdsPartly(kind, a, operand);
  switch (kind) {
    case 0x10:
      return a === operand;
    case 0x20:
      return a > operand;
    case 0x30:
      return a >= operand;
    default:
      return (a & operand) !== 0;
  }
}

/** False = the program takes nothing. */
function step([code, , , k]: Instruction, machine: Machine, frame: SeenFrame): boolean {
  switch (code & 0x07) {
    case 0:
    case 1: {
      const value = loaded(code, k, machine, frame);
      if (value === 'refused') return false;
      if ((code & 0x07) === 0) machine.a = value;
      else machine.x = value;
      return true;
    }
    case 2:
      machine.memory[k & 15] = machine.a;
      return true;
    case 3:
      machine.memory[k & 15] = machine.x;
      return true;
    case 4: {
      const operand = (code & 0x08) === 0 ? k : machine.x;
      const value = result(code & 0xf0, machine.a, operand);
      if (value === 'refused') return false;
      machine.a = value;
      return true;
    }
    default:
      if ((code & 0xf8) === 0) machine.x = machine.a;
      else machine.a = machine.x;
      return true;
  }
}

function common(value: Value, another: Value): Value {
  return value === another ? value : 'any';
}

function joined(known: Machine | undefined, { a, x, memory }: Machine): Machine {
  if (known === undefined) return { a, x, memory: [...memory] };
  return {
    a: common(known.a, a),
    x: common(known.x, x),
    memory: known.memory.map((value, at) => common(value, memory[at] ?? 0)),
  };
}

function targetsOf([code, jumpTrue, jumpFalse, k]: Instruction, at: number, { a, x }: Machine): readonly number[] {
  if ((code & 0xf0) === 0) return [at + 1 + k];
  const isTrue = holds(code & 0xf0, a, (code & 0x08) === 0 ? k : x);
  if (isTrue === null) return [at + 1 + jumpTrue, at + 1 + jumpFalse];
  return [at + 1 + (isTrue ? jumpTrue : jumpFalse)];
}

/**
 * Runs classic BPF (8 bytes an instruction, little-endian) as the kernel does. Gives bytes taken: 0 = none for any
 * unknown bytes, null = undecided. Jumps lead forward only, so that each instruction runs once.
 */
export function runBpf(program: Uint8Array, frame: SeenFrame): number | null {
  const instructions = readOnce(program);
  if (instructions === null) return null;
  const ready: (Machine | undefined)[] = [{ a: 0, x: 0, memory: new Array<Value>(16).fill(0) }];
  const taken = new Set<number>();
  for (const [at, instruction] of instructions.entries()) {
    const machine = ready[at];
    if (machine === undefined) continue; // no way leads there
    const [code, , , k] = instruction;
    if ((code & 0x07) === 6) {
      const value = (code & 0x18) === 0x10 ? machine.a : k;
      if (typeof value !== 'number') return null;
      taken.add(value);
    } else if ((code & 0x07) === 5) {
      for (const target of targetsOf(instruction, at, machine)) {
        if (target >= instructions.length) return null;
        ready[target] = joined(ready[target], machine);
      }
    } else if (step(instruction, machine, frame)) {
      if (at + 1 >= instructions.length) return null;
      ready[at + 1] = ready[at + 1] === undefined ? machine : joined(ready[at + 1], machine);
    } else taken.add(0);
  }
  const [value = null] = taken;
  return taken.size === 1 ? value : null;
}
