import type { BpfInstruction } from './bpf.js';
import type { Machine, SystemCall } from './system-calls.js';

/** Classic BPF of seccomp(2): linux/seccomp.h, linux/filter.h. */
const code = { load: 0x20, jump: 0x05, equal: 0x15, anyBit: 0x45, give: 0x06 } as const;
const give = (answer: number): BpfInstruction => [code.give, 0, 0, answer];
/** The kernel's answers to a call. */
export const answers = {
  allow: 0x7fff_0000,
  /** SECCOMP_RET_ERRNO | EPERM */
  notPermitted: 0x0005_0001,
  /** SECCOMP_RET_ERRNO | ENOSYS: the C library takes an older call. */
  notThere: 0x0005_0026,
  /** SECCOMP_RET_KILL_PROCESS: another machine's calls have other numbers. */
  wrongMachine: 0x8000_0000,
} as const;
/** struct seccomp_data. Lower halves of arguments, as both machines are little-endian. */
const numberAt = 0;
const machineAt = 4;
const argumentAt = (argument: number): number => 16 + 8 * argument;

/** The first false condition refuses a call. */
export type Condition =
  | { readonly argument: number; readonly oneOf: readonly number[] }
  | { readonly argument: number; readonly noneOf: readonly number[] }
  /** All of `bits`, none of `without`. */
  | { readonly argument: number; readonly bits: number; readonly without: number };

/** All other calls are refused. */
export interface AllowList {
  readonly always: readonly SystemCall[];
  readonly where: readonly (readonly [SystemCall, readonly (readonly Condition[])[]])[];
  readonly notThere: readonly SystemCall[];
}

function test(condition: Condition, otherwise: number): readonly BpfInstruction[] {
  const load: BpfInstruction = [code.load, 0, 0, argumentAt(condition.argument)];
  const fail: BpfInstruction = [code.jump, 0, 0, otherwise];
  if ('oneOf' in condition) {
    const values = condition.oneOf;
    // Each value has its own test; a match jumps over the common exit at the end.
    const questions = values.flatMap((value, at): readonly BpfInstruction[] => [
      [code.equal, 0, 1, value],
      [code.jump, 0, 0, 2 * (values.length - at) - 1],
    ]);
    return [load, ...questions, fail];
  }
  if ('noneOf' in condition) {
    const values = condition.noneOf;
    return [
      load,
      ...values.flatMap((value, at): readonly BpfInstruction[] => [
        [code.equal, 0, 1, value],
        [code.jump, 0, 0, otherwise + 2 * (values.length - at) - 2],
      ]),
    ];
  }
  // (a & with) == with, and (a & without) == 0
  const bits = bitsOf(condition.bits);
  return [
    load,
    ...bits.flatMap((bit, at): readonly BpfInstruction[] => [
      [code.anyBit, 1, 0, bit],
      [code.jump, 0, 0, otherwise + 2 * (bits.length - at)],
    ]),
    [code.anyBit, 0, 1, condition.without],
    [code.jump, 0, 0, otherwise],
  ];
}

function bitsOf(word: number): readonly number[] {
  return Array.from({ length: 32 }, (_, bit) => 2 ** bit).filter((bit) => (word & bit) !== 0);
}

function together(conditions: readonly Condition[]): readonly BpfInstruction[] {
  return conditions.reduceRight<readonly BpfInstruction[]>(
    (rest, condition) => [...test(condition, rest.length), ...rest],
    [give(answers.allow)],
  );
}

/** Refuses one call as unknown, no other, nor another machine's. */
export function programWithout(machine: Machine, call: SystemCall): readonly BpfInstruction[] {
  const number = machine.numberOf(call);
  if (number === null) return [give(answers.allow)];
  return [
    [code.load, 0, 0, machineAt],
    [code.equal, 0, 3, machine.audit],
    [code.load, 0, 0, numberAt],
    [code.equal, 0, 1, number],
    give(answers.notThere),
    give(answers.allow),
  ];
}

/** Conditional jumps reach 255 instructions: each call has its answer beside it, and 32-bit jumps skip longer parts. */
export function seccompProgram(machine: Machine, list: AllowList): readonly BpfInstruction[] {
  const program: BpfInstruction[] = [
    [code.load, 0, 0, machineAt],
    [code.equal, 1, 0, machine.audit],
    give(answers.wrongMachine),
    [code.load, 0, 0, numberAt],
  ];
  const rule = (call: SystemCall, body: readonly BpfInstruction[]): void => {
    const number = machine.numberOf(call);
    if (number === null) return;
    program.push([code.equal, 1, 0, number], [code.jump, 0, 0, body.length], ...body);
  };
  for (const call of list.always) rule(call, [give(answers.allow)]);
  for (const call of list.notThere) rule(call, [give(answers.notThere)]);
  for (const [call, ways] of list.where) rule(call, [...ways.flatMap(together), give(answers.notPermitted)]);
  return [...program, give(answers.notPermitted)];
}
