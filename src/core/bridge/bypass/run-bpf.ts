/** What a program of classic BPF can ask beside the frame's bytes (linux/filter.h, SKF_AD_…). */
export interface FrameMeta {
  /** EtherType of the frame. */
  readonly protocol: number;
  readonly packetType: number;
}

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

/** Registers and memory of a program. */
interface Machine {
  a: number;
  x: number;
  readonly memory: Uint32Array;
  readonly frame: Uint8Array;
  readonly meta: FrameMeta;
}

/**
 * `unknown`: it does something that cannot be distinguished from the frame alone; `refused`: it ends, and takes
 * nothing.
 */
type Outcome = 'goes on' | 'unknown' | 'refused';

const ancillary = 0xffff_f000;
const maxInstructions = 4096;
/** SKF_AD_PROTOCOL, _PKTTYPE, _VLAN_TAG and _VLAN_TAG_PRESENT. */
const asked = { protocol: 0, packetType: 4, vlanTag: 44, vlanTagPresent: 48 } as const;
const sizes = [4, 2, 1] as const;
const mode = {
  immediate: 0x00,
  absolute: 0x20,
  indirect: 0x40,
  memory: 0x60,
  length: 0x80,
  headerLength: 0xa0,
} as const;

/** Bytes of a program as instructions; null = they are none. */
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

function bytesAt(frame: Uint8Array, at: number, size: number): number | null {
  if (at + size > frame.length) return null;
  let value = 0;
  for (let i = 0; i < size; i += 1) value = value * 256 + (frame[at + i] ?? 0);
  return value;
}

function reportOf(what: number, { protocol, packetType }: FrameMeta): number | null {
  switch (what) {
    case asked.protocol:
      return protocol;
    case asked.packetType:
      return packetType;
    case asked.vlanTag:
    case asked.vlanTagPresent:
      return 0;
    default:
      return null;
  }
}

/** What a load brings; a place behind the frame's end ends the program. */
function loaded(code: number, k: number, { x, memory, frame, meta }: Machine): number | 'unknown' | 'refused' {
  const size = sizes[(code >> 3) & 3] ?? 4;
  switch (code & 0xe0) {
    case mode.immediate:
      return k;
    case mode.absolute:
      return k >= ancillary ? (reportOf(k - ancillary, meta) ?? 'unknown') : (bytesAt(frame, k, size) ?? 'refused');
    case mode.indirect:
      return bytesAt(frame, x + k, size) ?? 'refused';
    case mode.memory:
      return memory[k & 15] ?? 0;
    case mode.length:
      return frame.length;
    case mode.headerLength: {
      const byte = bytesAt(frame, k, 1);
      return byte === null ? 'refused' : (byte & 0x0f) * 4;
    }
    default:
      return 'unknown';
  }
}

/** null: divided by 0, which ends the program. */
function calculated(operation: number, a: number, operand: number): number | null {
  switch (operation) {
    case 0x00:
      return (a + operand) >>> 0;
    case 0x10:
      return (a - operand) >>> 0;
    case 0x20:
      return Math.imul(a, operand) >>> 0;
    case 0x30:
      return operand === 0 ? null : Math.floor(a / operand);
    case 0x40:
      return (a | operand) >>> 0;
    case 0x50:
      return (a & operand) >>> 0;
    case 0x60:
      return operand > 31 ? 0 : (a << operand) >>> 0;
    case 0x70:
      return operand > 31 ? 0 : a >>> operand;
    case 0x80:
      return -a >>> 0;
    case 0x90:
      return operand === 0 ? null : a % operand;
    default:
      return (a ^ operand) >>> 0;
  }
}

function holds(kind: number, a: number, operand: number): boolean {
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

/** Instructions that neither jump nor end. */
function step(code: number, k: number, machine: Machine): Outcome {
  switch (code & 0x07) {
    case 0:
    case 1: {
      const value = loaded(code, k, machine);
      if (typeof value === 'string') return value;
      if ((code & 0x07) === 0) machine.a = value;
      else machine.x = value;
      return 'goes on';
    }
    case 2:
      machine.memory[k & 15] = machine.a;
      return 'goes on';
    case 3:
      machine.memory[k & 15] = machine.x;
      return 'goes on';
    case 4: {
      const value = calculated(code & 0xf0, machine.a, (code & 0x08) === 0 ? k : machine.x);
      if (value === null) return 'refused';
      machine.a = value;
      return 'goes on';
    }
    default:
      if ((code & 0xf8) === 0) machine.x = machine.a;
      else machine.a = machine.x;
      return 'goes on';
  }
}

/**
 * Runs a program of classic BPF (8 bytes an instruction, little-endian) over a frame as the kernel does: how many
 * bytes it takes, 0 = it refuses it. null = it does something that cannot be distinguished from the frame alone.
 */
export function runBpf(program: Uint8Array, frame: Uint8Array, meta: FrameMeta): number | null {
  const instructions = instructionsOf(program);
  if (instructions === null) return null;
  const machine: Machine = { a: 0, x: 0, memory: new Uint32Array(16), frame, meta };
  for (let at = 0; ; at += 1) {
    const instruction = instructions[at];
    if (instruction === undefined) return null;
    const [code, jumpTrue, jumpFalse, k] = instruction;
    const operand = (code & 0x08) === 0 ? k : machine.x;
    if ((code & 0x07) === 6) return (code & 0x18) === 0x10 ? machine.a : k;
    if ((code & 0x07) === 5) {
      if ((code & 0xf0) === 0) at += k;
      else at += holds(code & 0xf0, machine.a, operand) ? jumpTrue : jumpFalse;
      continue;
    }
    const outcome = step(code, k, machine);
    if (outcome !== 'goes on') return outcome === 'refused' ? 0 : null;
  }
}
