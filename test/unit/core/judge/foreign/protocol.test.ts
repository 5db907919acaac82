import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foreignProtocol, quickName, readQuickly } from '../../../../../src/core/judge/foreign/protocol.js';
import { viewFrame } from '../../../../../src/core/wire/frame-view.js';

// What is read here is hostile: IPv4 with TCP or UDP in all lengths, and bytes of it changed.
const frames = fc.record({
  length: fc.integer({ min: 14, max: 90 }),
  protocol: fc.constantFrom(6, 17),
  total: fc.oneof(fc.constant(60), fc.integer({ min: 0, max: 90 })),
  ports: fc.tuple(fc.constantFrom(0, 53, 80, 49_151, 49_152, 60_000), fc.constantFrom(0, 80, 443, 50_000)),
  changes: fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 2 }),
});

it('what is read by numbers is what the slow way says', () => {
  let [runs, quickly] = [0, 0];
  fc.assert(
    fc.property(frames, fc.nat(5), ({ length, protocol, total, ports, changes }, start) => {
      runs += 1;
      const bytes = new Uint8Array(start + length + 4);
      const view = new DataView(bytes.buffer, start);
      view.setUint16(12, 0x0800);
      if (length > 50) {
        bytes[start + 14] = 0x45;
        view.setUint16(16, total);
        bytes[start + 23] = protocol;
        view.setUint16(34, ports[0]);
        view.setUint16(36, ports[1]);
        bytes[start + 46] = 0x50;
        bytes[start + 47] = 0x10;
      }
      for (const [at, value] of changes) if (at < length) bytes[start + at] = value;
      const quick = { key: 0, answers: false, payloadBytes: 0 };
      if (!readQuickly(bytes, start, start + length, quick)) return;
      quickly += 1;
      const frame = viewFrame(bytes, start, start + length);
      expect(frame).not.toBeNull();
      if (frame === null) return;
      expect({ name: quickName(quick.key), answers: quick.answers, payloadBytes: quick.payloadBytes }).toEqual(
        foreignProtocol(bytes, start + length, frame),
      );
    }),
    { examples: [[{ length: 74, protocol: 6, total: 60, ports: [60_000, 443], changes: [] }, 0]] },
  );
  expect(quickly).toBeGreaterThanOrEqual(Math.floor(runs / 20));
});

describe('a frame read by numbers', () => {
  /**
   * IPv4 with TCP or UDP behind `start` other bytes: ports, `more` behind them, bytes changed by their place in the
   * frame, `total` the length that IPv4 tells.
   */
  function read(
    protocol: 'tcp' | 'udp',
    ports: readonly [number, number],
    {
      payload = 5,
      changes = {},
      total,
      cut = 0,
      start = 3,
    }: {
      readonly payload?: number;
      readonly changes?: Readonly<Record<number, number>>;
      readonly total?: number;
      readonly cut?: number;
      readonly start?: number;
    } = {},
  ): unknown {
    const header = protocol === 'tcp' ? 20 : 8;
    const length = 34 + header + payload;
    const bytes = new Uint8Array(start + length + 40).fill(0x77);
    bytes.fill(0, start, start + length);
    const view = new DataView(bytes.buffer, start);
    view.setUint16(12, 0x0800);
    view.setUint8(14, 0x45);
    view.setUint16(16, total ?? length - 14);
    view.setUint8(23, protocol === 'tcp' ? 6 : 17);
    view.setUint16(34, ports[0]);
    view.setUint16(36, ports[1]);
    if (protocol === 'tcp') view.setUint8(46, 0x50);
    for (const [at, value] of Object.entries(changes)) view.setUint8(Number(at), value);
    const quick = { key: 0, answers: true, payloadBytes: -1 };
    if (!readQuickly(bytes, start, start + length - cut, quick)) return null;
    const foreign = { name: quickName(quick.key), answers: quick.answers, payloadBytes: quick.payloadBytes };
    const frame = viewFrame(bytes, start, start + length - cut);
    expect(frame === null ? null : foreignProtocol(bytes, start + length - cut, frame)).toEqual(foreign);
    return foreign;
  }
  const tcp443 = { name: 'TCP 443', answers: false, payloadBytes: 5 };
  const udp53 = { name: 'UDP 53', answers: false, payloadBytes: 5 };

  it.each<[string, Parameters<typeof read>, unknown]>([
    ['UDP', ['udp', [40_000, 53]], udp53],
    ['UDP the other way', ['udp', [53, 40_000]], udp53],
    ['UDP without data', ['udp', [53, 53], { payload: 0 }], { ...udp53, payloadBytes: 0 }],
    ['the highest service', ['udp', [49_151, 60_000]], { ...udp53, name: 'UDP 49151' }],
    ['two ports that name none', ['udp', [49_152, 60_000]], { ...udp53, name: 'UDP' }],
    ['two such of TCP', ['tcp', [49_152, 60_000]], { ...udp53, name: 'TCP' }],
    ['ports that differ in their low byte', ['udp', [0x0102, 0x0101]], { ...udp53, name: 'UDP 257' }],
    ['TCP', ['tcp', [443, 50_000]], tcp443],
    ['TCP that acknowledges', ['tcp', [443, 50_000], { changes: { 47: 0x18 } }], { ...tcp443, answers: true }],
    ['TCP with all flags but that', ['tcp', [443, 50_000], { changes: { 47: 0xef } }], tcp443],
    ['TCP with options', ['tcp', [443, 50_000], { payload: 9, changes: { 46: 0x60 } }], tcp443],
    ['a first fragment', ['udp', [40_000, 53], { changes: { 20: 0x20 } }], udp53],
    ['padding behind the packet', ['udp', [40_000, 53], { payload: 18, total: 28 + 5 }], udp53],
    ['a packet that is longer than the capture', ['udp', [40_000, 53], { total: 1500 }], udp53],
    ['one that the capture cuts', ['udp', [40_000, 53], { payload: 9, cut: 4 }], udp53],
    ['one that begins at the first byte', ['udp', [40_000, 53], { start: 0 }], udp53],
  ])('is named as by its headers: %s', (_, frame, expected) => expect(read(...frame)).toEqual(expected));

  it.each<[string, Parameters<typeof read>]>([
    ['another EtherType', ['udp', [40_000, 53], { changes: { 12: 0x86, 13: 0xdd } }]],
    ['a tag', ['udp', [40_000, 53], { changes: { 12: 0x81 } }]],
    ['an EtherType that begins like it', ['udp', [40_000, 53], { changes: { 13: 6 } }]],
    ['options of IPv4', ['udp', [40_000, 53], { changes: { 14: 0x46 } }]],
    ['a later fragment', ['udp', [40_000, 53], { changes: { 21: 1 } }]],
    ['one far behind', ['udp', [40_000, 53], { changes: { 20: 0x10 } }]],
    ['another protocol', ['udp', [40_000, 53], { changes: { 23: 1 } }]],
    ['a TCP header that is too short', ['tcp', [443, 50_000], { changes: { 46: 0x40 } }]],
    ['a TCP header beyond the packet', ['tcp', [443, 50_000], { payload: 3, changes: { 46: 0x60 } }]],
    ['a packet that ends within its header', ['udp', [40_000, 53], { total: 27 }]],
    ['a capture that does', ['udp', [40_000, 53], { payload: 0, cut: 1 }]],
    ['port 0', ['udp', [0, 53]]],
  ])('is left to the slow way: %s', (_, frame) => expect(read(...frame)).toBeNull());
});
