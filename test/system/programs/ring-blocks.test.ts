import { describe, expect, it } from 'vitest';
import { concat, runOn } from '../../support/pcap/helpers.js';
import { ringBlock, head, macs } from '../../support/pcap/ring-capture.js';
import { needs, program } from '../../support/needs.js';

describe('a raw capture with blocks of a ring', () => {
  const two = concat(
    head,
    ringBlock([
      { index: 17, data: `${macs}88b501`, seconds: 1_764_000_000, nanoseconds: 999_999_999, original: 1500 },
      { index: 5, packetType: 0, data: `${macs}88b502`, seconds: 1_764_000_001 },
      { index: 17, packetType: 3, data: `${macs}88b50304`, seconds: 1_764_000_001, nanoseconds: 1 },
    ]),
    ringBlock([]),
    ringBlock([{ index: 5, data: `${macs}88b5`, seconds: 4_294_967, nanoseconds: 295_999_999 }]),
  );

  it('is a pcapng file to capinfos', needs(program('capinfos')), () => {
    const { stdout, status } = runOn(two, 'capinfos', ['-c', '-M', 'FILE']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/Number of packets: +0\b/);
  });
});
