import { describe, expect, it } from 'vitest';
import { maxRows, startForeign } from '../../../../../src/core/judge/foreign/foreign.js';
import { finishForeign } from '../../../../../src/core/judge/foreign/report.js';
import { nameOf, frame, udp, hear, listener, report, each } from '../../../../support/judge/foreign-fixture.js';

describe('rows that are kept', () => {
  const udpTo = (port: number): Uint8Array => {
    const bytes = Uint8Array.from(udp('a', 'b'));
    bytes.set([port >> 8, port & 255], 36);
    bytes.set([0xea, 0x60], 34);
    return bytes;
  };
  it('are so many; of what comes then frames are counted only, of known rows as before', () => {
    const fold = startForeign(listener());
    fold.rows = maxRows - 1;
    hear(fold, 'x', each(udpTo(53), udpTo(80), udpTo(80), frame('a', 'c'), udpTo(53)));
    expect(fold.rows).toBe(maxRows);
    const foreign = finishForeign(fold, nameOf);
    expect([foreign.notKept, foreign.files[0]?.foreign, foreign.found]).toEqual([3, 5, true]);
    expect(foreign.pairs.map(({ heard }) => heard.map(({ protocols }) => protocols))).toEqual([
      [[{ name: 'UDP 53', frames: 2 }]],
    ]);
  });
  it('of one pair may be more than are found by number', () => {
    const ports = Array.from({ length: 300 }, (_, at) => at + 1);
    const foreign = report(each(...ports.map(udpTo), ...ports.map(udpTo)));
    expect(foreign.pairs[0]?.heard[0]?.protocols).toHaveLength(300);
    expect(foreign.pairs[0]?.heard[0]?.protocols.every(({ frames }) => frames === 2)).toBe(true);
  });
  it('are one for one protocol, whether its frames are read by number or by their headers', () => {
    const tagged = (bytes: Uint8Array): Uint8Array =>
      Buffer.concat([bytes.subarray(0, 12), Buffer.from([0x81, 0, 0, 7]), bytes.subarray(12)]);
    expect(report(each(udpTo(53), tagged(udpTo(53)))).pairs[0]?.heard[0]?.protocols).toEqual([
      { name: 'UDP 53', frames: 2 },
    ]);
    expect(report(each(tagged(udpTo(53)), udpTo(53))).pairs[0]?.heard[0]?.protocols).toEqual([
      { name: 'UDP 53', frames: 2 },
    ]);
  });
  it('of a frame that ends within its tags say so', () => {
    const cut = Buffer.concat([udpTo(53).subarray(0, 12), Buffer.from([0x81, 0, 0])]);
    expect(report(each(cut)).pairs[0]?.heard[0]).toMatchObject({
      payloadOctets: 0,
      protocols: [{ name: 'cut off', frames: 1 }],
    });
  });
});
