import { describe, expect, it } from 'vitest';
import { BatchBuilder } from '../../../../../src/core/pcap/batch-builder.js';
import { windowOf } from '../../../../../src/core/pcap/decoder.js';
import {
  type ReadBlock,
  readInterface,
  readSection,
  readStatistics,
} from '../../../../../src/core/pcap/pcapng/descriptions.js';
import { newSectionState, type SectionState } from '../../../../../src/core/pcap/pcapng/descriptions.js';
import { timeResolution } from '../../../../../src/core/pcap/time-resolution.js';
import { idb, option, rawBlock, shb, u32 } from '../../../../support/pcap/blocks.js';

function section(big = false): SectionState {
  const state = newSectionState(new BatchBuilder(false));
  state.little = !big;
  state.interfaces = [{ snaplen: 0, resolution: timeResolution(6, 0n) }];
  state.earlier = 2;
  return state;
}

function reading(read: ReadBlock, block: Uint8Array, state = section()) {
  const bytes = Uint8Array.from(block);
  const fault = read(state, windowOf(bytes, 0), 0, bytes.length - 4);
  return { fault, state, items: state.out.take() };
}
const text = (code: number, value: string): Uint8Array => option(code, Buffer.from(value));

describe('a section header', () => {
  it('begins a section, whose interfaces count on from those before', () => {
    const options = Buffer.concat([text(2, 'board'), text(3, 'Linux'), text(4, 'x'), text(1, 'a'), text(1, 'b')]);
    const { fault, state, items } = reading(readSection, shb({ options }));
    expect(fault).toBeNull();
    expect(state).toMatchObject({ isOpen: true, interfaces: [], earlier: 3 });
    expect(items).toEqual([
      {
        kind: 'section',
        format: 'pcapng',
        byteOrder: 'little',
        hardware: 'board',
        os: 'Linux',
        application: 'x',
        comments: ['a', 'b'],
      },
    ]);
  });
  it('says its byte order, of which later packets are', () => {
    const { items, state } = reading(readSection, shb({ big: true }), section(true));
    expect(items).toMatchObject([{ byteOrder: 'big' }]);
    expect(state.out.byteOrder).toBe('big');
  });
  it.each([
    ['pcapng version 2 is not 1', shb({ major: 2 })],
    ['a section header is too short for its fields', rawBlock(0x0a0d0d0a, u32(0x1a2b3c4d))],
    ['an option of a section header runs past its block', shb({ options: option(2, u32(1), false, 9) })],
  ])('is refused, and begins nothing: %s', (why, block) => {
    const { fault, state, items } = reading(readSection, block);
    expect({ fault, isOpen: state.isOpen, earlier: state.earlier, items }).toEqual({
      fault: why,
      isOpen: false,
      earlier: 2,
      items: [],
    });
  });
});

describe('an interface description', () => {
  it('is the next interface, with its clock', () => {
    const options = Buffer.concat([
      text(2, 'tap0'),
      text(11, '\0udp'),
      option(9, Buffer.from([9])),
      option(14, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])),
    ]);
    const { fault, state, items } = reading(readInterface, idb({ snaplen: 96, options }));
    expect(fault).toBeNull();
    expect(items).toMatchObject([{ kind: 'interface', id: 3, name: 'tap0', linkType: 1, snaplen: 96, filter: 'udp' }]);
    expect(state.interfaces[1]).toEqual({ snaplen: 96, resolution: timeResolution(9, 1n) });
  });
  it('counts µs without an option, and has no filter where it is not of libpcap', () => {
    const { state, items } = reading(readInterface, idb({ options: text(11, '\x01bpf') }));
    expect(state.interfaces[1]?.resolution).toEqual(timeResolution(6, 0n));
    expect(items).toMatchObject([{ name: null, filter: null }]);
  });
  it.each([
    ['an interface description is too short for its fields', rawBlock(1, Buffer.alloc(0))],
    ['an option of an interface description runs past its block', idb({ options: option(2, u32(1), false, 9) })],
  ])('is refused: %s', (why, block) => {
    expect(reading(readInterface, block)).toMatchObject({ fault: why, items: [] });
  });
});

describe('interface statistics', () => {
  const u64 = (low: number): Uint8Array => Buffer.concat([u32(low), u32(0)]);
  const statistics = (id: number, options: Uint8Array): Uint8Array =>
    rawBlock(5, Buffer.concat([u32(id), u32(0), u32(0), options]));
  it('are of an interface of the whole file, with times by its clock', () => {
    const options = Buffer.concat([
      option(4, u64(10)),
      option(5, u64(2)),
      option(8, u64(7)),
      option(2, Buffer.concat([u32(0), u32(5)])),
    ]);
    expect(reading(readStatistics, statistics(0, options)).items).toEqual([
      {
        kind: 'statistics',
        interfaceId: 2,
        received: 10n,
        dropped: 2n,
        delivered: 7n,
        startNs: 5000n,
        endNs: null,
      },
    ]);
  });
  it.each([
    ['interface statistics are too short for their fields', rawBlock(5, u32(0))],
    ['statistics of interface 1, of which the section has 1', statistics(1, Buffer.alloc(0))],
    ['an option of interface statistics runs past its block', statistics(0, option(4, u32(0), false, 9))],
  ])('are refused: %s', (why, block) => {
    expect(reading(readStatistics, block)).toMatchObject({ fault: why, items: [] });
  });
});
