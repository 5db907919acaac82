import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CaptureReader } from '../../../src/core/pcap/capture-reader.js';
import { classicWithPcapParser } from '../../../src/core/pcap/classic/with-pcap-parser.js';

const captures = resolve(import.meta.dirname, '../../../captures');
/** Classic captures in microseconds, either byte order: all that pcap-parser reads. */
const classic = readdirSync(captures, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.pcap'))
  .filter((name) => {
    const bytes = readFileSync(join(captures, name));
    return bytes.length >= 4 && ['a1b2c3d4', 'd4c3b2a1'].includes(bytes.toString('hex', 0, 4));
  });

function ownReader(bytes: Uint8Array) {
  const reader = new CaptureReader();
  const items = [...reader.push(bytes), ...reader.end()];
  const packets = items.flatMap((item) =>
    item.kind !== 'batch'
      ? []
      : Array.from({ length: item.count }, (_, i) => {
          const start = item.offset[i] ?? 0;
          return {
            timeNs: item.timeNs[i],
            originalLength: item.original[i],
            data: Buffer.from(item.bytes.subarray(start, start + (item.captured[i] ?? 0))).toString('hex'),
          };
        }),
  );
  const interfaces = items.flatMap((item) =>
    item.kind === 'interface' ? [{ linkType: item.linkType, snaplen: item.snaplen }] : [],
  );
  return { packets, interfaces, damaged: items.some(({ kind }) => kind === 'damage') };
}

describe('the npm package pcap-parser and the capture reader', () => {
  it('have most of the captures of others to agree on', () => {
    expect(classic.length).toBeGreaterThanOrEqual(20);
  });

  it.each(classic)('see the same packets in %s, and the same of them before a damage', (name) => {
    const bytes = readFileSync(join(captures, name));
    const ownReading = ownReader(bytes);
    // In small pieces: the guard in front of the package holds back the piece in which a length lies.
    const pieces = Array.from({ length: Math.ceil(bytes.length / 16) }, (_, i) => bytes.subarray(16 * i, 16 * i + 16));
    const classicFile = classicWithPcapParser(pieces);
    expect(
      classicFile.records.map(({ timeNs, originalLength, data }) => ({
        timeNs,
        originalLength,
        data: Buffer.from(data).toString('hex'),
      })),
    ).toEqual(ownReading.packets);
    expect(classicFile.fault !== null).toBe(ownReading.damaged);
    expect({ linkType: classicFile.linkType, snaplen: classicFile.snaplen }).toEqual(ownReading.interfaces[0]);
  });
});
