import { describe, expect, it } from 'vitest';
import { BatchBuilder } from '../../../../../src/core/pcap/batch-builder.js';
import { windowOf } from '../../../../../src/core/pcap/decoder.js';
import { directionIn, readPacket, readSimplePacket } from '../../../../../src/core/pcap/pcapng/packets.js';
import { newSectionState, type SectionState } from '../../../../../src/core/pcap/pcapng/descriptions.js';
import { timeResolution } from '../../../../../src/core/pcap/time-resolution.js';
import { epb, option, spb, u32 } from '../../../../support/pcap/blocks.js';
import { batches, damages } from '../../../../support/pcap/helpers.js';

/** A section whose interfaces count time so, with four interfaces of earlier sections. */
function section(...bytes: readonly number[]): SectionState {
  const state = newSectionState(new BatchBuilder(false));
  state.interfaces = bytes.map((byte) => ({ snaplen: 3, resolution: timeResolution(byte, 0n) }));
  state.earlier = 4;
  return state;
}

/** What `read` says of the block, and what it put into the batch. */
function reading(state: SectionState, block: Uint8Array, read: typeof readSimplePacket = enhanced) {
  const bytes = Uint8Array.from(block);
  state.out.window(bytes, 100);
  const fault = read(state, windowOf(bytes, 100), 0, bytes.length - 4);
  const items = state.out.take();
  const [batch] = batches(items);
  return { fault, batch, damages: damages(items) };
}
const enhanced: typeof readSimplePacket = (state, window, at, to) => readPacket(state, window, at, to, true);
const flags = (bits: number): Uint8Array => option(2, u32(bits));

describe('a packet block', () => {
  it('fills the columns of one packet', () => {
    const { fault, batch } = reading(section(9, 9), epb({ id: 1, high: 1, low: 2, original: 60, options: flags(2) }));
    expect(fault).toBeNull();
    expect(batch).toMatchObject({ count: 1, fileOffset: 100 });
    expect([batch?.offset[0], batch?.captured[0], batch?.original[0]]).toEqual([28, 5, 60]);
    expect([batch?.interfaceId[0], batch?.direction[0], batch?.timeNs[0]]).toEqual([5, 2, 2n ** 32n + 2n]);
    expect([batch?.optionsAt[0], batch?.optionsLength[0]]).toEqual([36, 8]);
  });

  it.each([
    [6, 0, 5, 5000n],
    [6, 1, 0, 2n ** 32n * 1000n],
    [0, 0, 3, 3_000_000_000n],
    [0x80, 0, 3, 3_000_000_000n],
  ])('counts time by the byte %i of its interface', (byte, high, low, ns) => {
    expect(reading(section(byte), epb({ high, low })).batch?.timeNs[0]).toBe(ns);
  });

  it('reports a time after 2262 once, and goes on', () => {
    const state = section(0);
    const late = epb({ high: 0xffff_ffff, low: 0 });
    expect(reading(state, late)).toMatchObject({
      fault: null,
      damages: ["a packet's time is not between 1970 and 2262"],
    });
    expect(reading(state, late)).toMatchObject({ fault: null, damages: [] });
  });

  it.each([
    ['a packet of interface 1, of which the section has 1', epb({ id: 1 })],
    ['a packet claims 9 bytes, more than its block holds', epb({ captured: 9 })],
    [/^a packet claims 4294967295 bytes, more than \d+$/, epb({ captured: 0xffff_ffff })],
    ['an option of a packet runs past its block', epb({ options: option(2, u32(1), false, 5) })],
    ['a packet block is too short for its fields', spb(4, u32(0))],
  ])('is refused: %s', (why, block) => {
    expect(reading(section(9), block)).toMatchObject({ fault: expect.stringMatching(why), batch: undefined });
  });

  it('of the obsolete kind has 16 bits of interface', () => {
    const block = epb({ id: 0x7_0000 });
    const obsolete: typeof readSimplePacket = (state, window, at, to) => readPacket(state, window, at, to, false);
    expect(reading(section(9), block).fault).toBe('a packet of interface 458752, of which the section has 1');
    expect(reading(section(9), block, obsolete).fault).toBeNull();
  });
});

describe('a simple packet block', () => {
  it('is cut to what the first interface keeps, and has no time', () => {
    const { fault, batch } = reading(section(9), spb(60, Buffer.from('abc')), readSimplePacket);
    expect(fault).toBeNull();
    expect([batch?.captured[0], batch?.original[0], batch?.timeNs[0]]).toEqual([3, 60, 0n]);
  });
  it('needs an interface, and what it claims', () => {
    const none = 'a simple packet block without length or without interface';
    expect(reading(section(), spb(3, Buffer.from('abc')), readSimplePacket).fault).toBe(none);
    expect(reading(section(9), spb(3, Buffer.alloc(0)), readSimplePacket).fault).toBe(
      'a simple packet claims 3 bytes, more than its block holds',
    );
  });
});

describe('the direction of a packet', () => {
  const of = (...options: readonly Uint8Array[]): number => {
    const bytes = Uint8Array.from(Buffer.concat(options));
    return directionIn(windowOf(bytes, 0).view, 0, bytes.length, true);
  };
  it.each([
    [0, [flags(0)]],
    [1, [flags(1)]],
    [2, [flags(0xffff_fffe)]],
    [0, [flags(3)]],
    [1, [option(1, Buffer.from('comment')), flags(1)]],
    [0, [option(0, Buffer.alloc(0)), flags(1)]],
    [0, [option(2, Buffer.alloc(3))]],
    [0, []],
    [-1, [option(1, Buffer.alloc(0), false, 9)]],
  ])('is %i', (direction, options) => {
    expect(of(...options)).toBe(direction);
  });
});
