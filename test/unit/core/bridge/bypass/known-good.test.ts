import { describe, expect, it } from 'vitest';
import { keepsNothing, mayOutputPackets } from '../../../../../src/core/bridge/bypass/known-good.js';

describe('a program by its code', () => {
  const instruction = (opcode: number, registers = 0, offset = 0, value = 0): readonly number[] => [
    opcode,
    registers,
    offset & 0xff,
    (offset >> 8) & 0xff,
    ...[0, 8, 16, 24].map((bits) => (value >> bits) & 0xff),
  ];
  const exit = instruction(0x95);
  const names: Readonly<Record<number, readonly string[]>> = {
    1: ['array_map_lookup_elem'],
    2: ['bpf_clone_redirect'],
    3: ['bpf_skb_load_bytes'],
    4: ['bpf_skb_event_output'],
    5: ['bpf_ktime_get_ns', 'some_alias'],
  };
  const bytesOf = (...parts: readonly (readonly number[])[]): Uint8Array => Uint8Array.from([...parts, exit].flat());
  const keeps = (parts: readonly (readonly number[])[], mayCount = false): boolean =>
    !keepsNothing(bytesOf(...parts), (call) => names[call] ?? [], mayCount);
  const call = (number: number, from = 0): readonly number[] => instruction(0x85, from << 4, 0, number);
  const onStack = [instruction(0xbf, 0xa3), instruction(0x07, 3, 0, -8)];

  it.each([
    ['looks something up', [call(1)]],
    ['writes to its stack', [instruction(0x62, 10, -4, 7), instruction(0x7b, 0x6a, -8)]],
    ['writes there by another register', [...onStack, instruction(0x62, 3, 0, 7)]],
    ['copies bytes there', [...onStack, instruction(0xb4, 4, 0, 4), call(3)]],
    ['calls a part of itself', [call(0, 1)]],
  ])('keeps nothing where it %s', (_, parts) => expect(keeps(parts)).toBe(false));

  it.each([
    ['clones', [call(2)]],
    ['calls what is not known', [call(77)]],
    ['calls what has another name as well', [call(5)]],
    ['calls a function of a module', [call(1, 2)]],
    ['writes elsewhere', [instruction(0x62, 0, 0, 7)]],
    ['copies bytes elsewhere', [instruction(0xbf, 0x03), call(3)]],
    ['copies bytes to where a jump may have led', [...onStack, instruction(0x05, 0, 1), ...onStack.slice(1), call(3)]],
    ['calls another program', [instruction(0x85 | 0x70)]],
    ['counts', [instruction(0xb7, 1, 0, 1), instruction(0xdb, 0x10)]],
  ])('may keep something where it %s', (_, parts) => expect(keeps(parts)).toBe(true));

  it('may count for a service what is no part of a packet', () => {
    const begin = instruction(0xbf, 0x16);
    expect(keeps([instruction(0xb7, 1, 0, 1), instruction(0xdb, 0x10)], true)).toBe(false);
    expect(keeps([begin, instruction(0x61, 0x61, 0x70), instruction(0xdb, 0x10)], true)).toBe(false);
    expect(keeps([begin, instruction(0x71, 0x71, 0), instruction(0xdb, 0x10)], true)).toBe(true);
    expect(keeps([begin, instruction(0x61, 0x61, 0x70), instruction(0xdb, 0x10, 0, 1)], true)).toBe(true); // and fetches
  });

  it('outputs packets where it calls what does', () => {
    const functionsOf = (number: number): readonly string[] => names[number] ?? [];
    expect(mayOutputPackets(bytesOf(call(4)), functionsOf)).toBe(true);
    expect(mayOutputPackets(bytesOf(call(77), call(4)), functionsOf)).toBe(true);
    expect(mayOutputPackets(bytesOf(call(1), call(4, 1)), functionsOf)).toBe(false);
  });

  it('may output packets where it calls what is not known, or its code is not', () => {
    expect(mayOutputPackets(bytesOf(call(1), call(77)), (number) => names[number] ?? [])).toBeNull();
    expect(mayOutputPackets(new Uint8Array(0), () => [])).toBeNull();
  });
});
