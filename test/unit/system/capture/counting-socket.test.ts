import { describe, expect, it } from 'vitest';
import { countingProgram, runsOf } from '../../../../src/system/capture/counting-socket.js';

/** Runs a program that asks for the packet type and the interface alone; what it returns. */
function run(indices: readonly number[], packetType: number, index: number): number {
  const program = countingProgram(indices) ?? [];
  let accumulator = 0;
  for (let at = 0; at < program.length; at += 1) {
    const [code, jumpTrue, jumpFalse, k] = program[at] ?? [0x06, 0, 0, 0];
    const jump = (holds: boolean): number => at + (holds ? jumpTrue : jumpFalse);
    if (code === 0x20) accumulator = k === 0xfffff004 ? packetType : index;
    else if (code === 0x15) at = jump(accumulator === k);
    else if (code === 0x25) at = jump(accumulator > k);
    else if (code === 0x35) at = jump(accumulator >= k);
    else return k;
  }
  return -1;
}

describe('the program of a socket that counts', () => {
  it('takes what leaves by its devices alone', () => {
    const devices = [9, 3, 4, 5, 300, 301];
    for (let index = 1; index < 400; index += 1)
      expect(run(devices, 4, index), String(index)).toBe(devices.includes(index) ? 1 : 0);
    for (const packetType of [0, 1, 2, 3]) expect(run(devices, packetType, 4)).toBe(0);
  });

  it('asks for no device where it is bound to one', () => {
    expect(run([7], 4, 8)).toBe(1);
    expect(run([7], 0, 7)).toBe(0);
  });

  it('takes devices in as many runs as its jumps reach, and gives none for more', () => {
    const apart = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => 2 * at + 1);
    expect(run(apart(120), 4, 1)).toBe(1);
    expect(run(apart(120), 4, 239)).toBe(1);
    expect(run(apart(120), 4, 238)).toBe(0);
    expect(countingProgram(apart(121))).toBeNull();
    expect(runsOf([5, 3, 4, 9])).toEqual([
      [3, 5],
      [9, 9],
    ]);
  });
});
