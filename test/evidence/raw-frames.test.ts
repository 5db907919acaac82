import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readRawFrames } from '../../src/evidence/raw-frames.js';
import { directions } from '../../src/pcap/capture-items.js';
import { enhancedPacket, interfaceDescription, sectionHeader } from '../../src/pcap/pcapng-writer.js';

const dir = mkdtempSync(join(tmpdir(), 'raw-frames-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A raw capture of one observer with frames at those times, in ms. */
function capture(name: string, observer: string, times: readonly number[]): string {
  const path = join(dir, name);
  const data = new Uint8Array(60);
  writeFileSync(path, Buffer.concat([
    sectionHeader({ application: 't', os: 'Linux', comment: null }), interfaceDescription({ name: observer, description: observer, filter: '', snaplen: 0, os: 'Linux' }),
    ...times.map((ms) => enhancedPacket({ interfaceId: 0, timeNs: BigInt(ms) * 1_000_000n, originalLength: 60, data, direction: directions.out, packetId: null, comments: [] })),
  ]));
  return path;
}

describe('raw captures of several hosts', () => {
  const blocks = ['here', 'there'].map((description, observer) => ({ step: 0, observer, name: description, description }));
  const paths = [capture('1-1.pcapng', 'here', [1000, 1010, 1020]), capture('1-2.pcapng', 'there', [6005, 6015])];

  it('stand in the order of one clock, the other host\u2019s offset taken off', async () => {
    const frames = await readRawFrames(paths, blocks, new Map([['1-2.pcapng', 5_000_000_000n]]));
    const told = Array.from({ length: frames.count }, (_, i) => {
      const { batch, packet, interfaceId } = frames.at(i);
      return `${blocks[interfaceId]?.name ?? ''} ${Number(batch.timeNs[packet] ?? 0n) / 1e6}`;
    });
    expect(told).toEqual(['here 1000', 'there 1005', 'here 1010', 'there 1015', 'here 1020']);
  });

  it('take a clock that is behind just as well', async () => {
    const frames = await readRawFrames(paths, blocks, new Map([['1-1.pcapng', -5_000_000_000n]]));
    expect(Array.from({ length: frames.count }, (_, i) => frames.at(i).interfaceId)).toEqual([0, 1, 0, 1, 0]);
  });
});
