import { expect, it } from 'vitest';
import type { FrameSpec } from '../../../../../src/core/model/plan.js';
import { frameTemplate } from '../../../../../src/core/probe/frames/frame.js';
import { templateSeries } from '../../../../../src/core/probe/frames/template-series.js';

const macs = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:0a:ff'] as const;

function spec(over: Partial<FrameSpec>): FrameSpec {
  return { carrier: 'raw', srcMac: macs[0], dstMac: macs[1], vlan: [], srcIp: null, dstIp: null, size: 60, ...over };
}

it('a template of a series is the one that would be made alone, whatever came before it', () => {
  const ip = { srcIp: '192.0.2.1', dstIp: '192.0.2.2', size: 80 } as const;
  const specs = [
    spec({}),
    spec({ dstMac: macs[2] }),
    spec({ srcMac: macs[2], dstMac: macs[0] }),
    spec({ size: 64 }),
    spec({ vlan: [10], size: 64 }),
    spec({ vlan: [11], size: 64 }),
    spec({ vlan: [11], size: 64, dstMac: macs[2] }),
    spec({ carrier: 'ipv4-udp', ...ip }),
    spec({ carrier: 'ipv4-udp', ...ip, dstMac: macs[2] }),
    spec({ carrier: 'ipv4-udp', ...ip, dstIp: '192.0.2.9' }),
    spec({ carrier: 'arp', ...ip }),
    spec({ carrier: 'arp', ...ip, srcMac: macs[2] }),
    spec({ carrier: 'arp', ...ip, form: 'arp-reply' }),
    spec({ carrier: 'arp', ...ip, form: 'arp-reply', srcMac: macs[2] }),
  ];
  const templateOf = templateSeries();
  for (const frame of specs) {
    const { bytes, ...rest } = templateOf(frame);
    const alone = frameTemplate(frame);
    expect(Buffer.from(bytes).toString('hex')).toBe(Buffer.from(alone.bytes).toString('hex'));
    expect({ ...rest, bytes: alone.bytes }).toEqual(alone);
  }
});

it('refuses a malformed MAC in the middle of a series as at its beginning', () => {
  const templateOf = templateSeries();
  templateOf(spec({}));
  expect(() => templateOf(spec({ dstMac: '02:00' }))).toThrow(/malformed MAC/);
});
