import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { parseBtf } from '../../../../../src/system/capture/trace/btf.js';

const [kindInt, kindPointer, kindStruct, kindUnion, kindEnum, kindTypedef, kindPrototype] = [1, 2, 4, 5, 6, 8, 13];

/** A BTF blob of types given as words; names are put among its strings. */
function btf(types: (name: (text: string) => number) => readonly (readonly number[])[]): Uint8Array {
  let strings = '\0';
  const name = (text: string): number => {
    const at = strings.indexOf(`\0${text}\0`);
    if (at >= 0) return at + 1;
    strings += `${text}\0`;
    return strings.length - text.length - 1;
  };
  const words = types(name).flat();
  const header = [0x1_eb9f, 24, 0, words.length * 4, words.length * 4, strings.length];
  return Buffer.concat([Buffer.from(Uint32Array.from([...header, ...words]).buffer), Buffer.from(strings, 'latin1')]);
}

const info = (kind: number, count = 0, packed = 0): number => ((packed << 31) | (kind << 24) | count) >>> 0;

const small = btf((name) => [
  [name('int'), info(kindInt), 4, 0x20], // 1
  [0, info(kindUnion, 2), 8, name('dev'), 1, 0, name('scratch'), 1, 0], // 2: without a name
  [name('sk_buff'), info(kindStruct, 3, 1), 40, name('len'), 1, 32, 0, 2, 64, name('flag'), 1, (3 << 24) | 128], // 3
  [name('net'), info(kindStruct, 1), 16, name('packet'), 3, 64], // 4
  [0, info(kindPrototype, 3), 0, 0, 1, 0, 1, 0, 1], // 5: three parameters
  [0, info(kindPointer), 5], // 6
  [name('btf_trace_kfree_skb'), info(kindTypedef), 6], // 7
  [name('reason'), info(kindEnum, 2), 4, name('NONE'), 0, name('NO_SOCKET'), 3], // 8
]);

describe('the kernel’s types', () => {
  const types = parseBtf(small);

  test('say where members stand, through structures without a name and through members', () => {
    expect(types?.offsetOf('sk_buff', 'len')).toBe(4);
    expect(types?.offsetOf('sk_buff', 'dev')).toBe(8);
    expect(types?.offsetOf('sk_buff', 'flag')).toBe(16);
    expect(types?.offsetOf('net', 'packet', 'dev')).toBe(16);
    expect(types?.sizeOf('sk_buff')).toBe(40);
  });

  test('say which there are not', () => {
    expect(types?.offsetOf('sk_buff', 'nothing')).toBeNull();
    expect(types?.offsetOf('int', 'len')).toBeNull();
    expect(types?.sizeOf('net_device')).toBeNull();
    expect(types?.tracepoint('consume_skb')).toBeNull();
    expect(types?.valuesOf('nothing').size).toBe(0);
  });

  test('say how many parameters a tracepoint has, and name values', () => {
    expect(types?.tracepoint('kfree_skb')).toEqual({ id: 7, parameters: 2 });
    expect(types?.valuesOf('reason').get(3)).toBe('NO_SOCKET');
  });

  test('are none where the bytes are not BTF', () => {
    expect(parseBtf(Buffer.from('no types here, only words'))).toBeNull();
  });

  test('are read from damaged bytes without an error', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(small.length - 1), fc.nat(255)), { maxLength: 20 }), (damages) => {
        const bytes = Uint8Array.from(small);
        for (const [at, byte] of damages) bytes[at] = byte;
        const read = parseBtf(bytes);
        read?.offsetOf('sk_buff', 'dev');
        read?.tracepoint('kfree_skb');
        read?.valuesOf('reason');
      }),
    );
  });
});
