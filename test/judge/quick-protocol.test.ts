import fc from 'fast-check';
import { expect, it } from 'vitest';
import { foreignProtocol, quickName, readQuickly } from '../../src/judge/foreign-protocol.js';
import { viewFrame } from '../../src/wire/frame-view.js';

// What is read here is hostile: IPv4 with TCP or UDP in all lengths, and octets of it changed.
const frames = fc.record({
  length: fc.integer({ min: 14, max: 90 }),
  protocol: fc.constantFrom(6, 17),
  total: fc.oneof(fc.constant(60), fc.integer({ min: 0, max: 90 })),
  ports: fc.tuple(fc.constantFrom(0, 53, 80, 49_151, 49_152, 60_000), fc.constantFrom(0, 80, 443, 50_000)),
  changes: fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 2 }),
});

it('what is read by numbers is what the slow way says', () => {
  let [runs, quickly] = [0, 0];
  fc.assert(fc.property(frames, fc.nat(5), ({ length, protocol, total, ports, changes }, start) => {
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
    const quick = { key: 0, answers: false, payloadOctets: 0 };
    if (!readQuickly(bytes, start, start + length, quick)) return;
    quickly += 1;
    const frame = viewFrame(bytes, start, start + length);
    expect(frame).not.toBeNull();
    if (frame === null) return;
    expect({ name: quickName(quick.key), answers: quick.answers, payloadOctets: quick.payloadOctets }).toEqual(foreignProtocol(bytes, start + length, frame));
  }), { numRuns: 5000 });
  expect(quickly).toBeGreaterThan(runs / 10);
});
