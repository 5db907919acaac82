import { describe, expect, it } from 'vitest';
import { classicHeader, classicRecord } from '../../../src/core/pcap/classic/writer.js';
import { ingressMac, rawControl } from '../../../src/core/plan/ingress-controls.js';
import { buildFrame } from '../../../src/core/probe/frames/frame.js';
import { expandTokenWord, searchDepth, tokenWord } from '../../../src/core/wire/token-filter.js';
import { tokensFor } from '../../../src/core/wire/token.js';
import { concat, runOn } from '../../support/pcap/helpers.js';
import { key, runTag, token, table } from '../../support/probe/form-fixture.js';
import { needs, program } from '../../support/needs.js';

function capture(frames: readonly Uint8Array[]): Uint8Array {
  return concat(
    classicHeader('micro', 65_535),
    ...frames.map((data, i) =>
      classicRecord('micro', { timeNs: BigInt(i) * 1_000_000n, originalLength: data.length, data }),
    ),
  );
}

describe('a form of frame', () => {
  it('is what its tcpdump line says', needs(program('tcpdump')), () => {
    const text = runOn(capture(table.map(([frame]) => buildFrame(frame, token))), 'tcpdump', [
      '-r',
      'FILE',
      '-nevvt',
    ]).stdout;
    const lines = text.replaceAll(/\n\s+/g, ' ').trim().split('\n');
    expect(lines).toHaveLength(table.length);
    table.forEach(([, line], i) => {
      expect(lines[i]).toMatch(line);
      expect(lines[i]).not.toMatch(/bad|wrong|incorrect|truncated|invalid/);
    });
  });

  it(
    'passes the filter of its run, with a tag more or less as well, and no frame of others does',
    needs(program('tcpdump')),
    () => {
      const filter = expandTokenWord(tokenWord(runTag), searchDepth);
      const tagged = (frame: Uint8Array): Uint8Array =>
        concat(frame.subarray(0, 12), Uint8Array.of(0x81, 0, 0, 10), frame.subarray(12));
      const untagged = (frame: Uint8Array): Uint8Array => concat(frame.subarray(0, 12), frame.subarray(16));
      const chunks = [...table.map(([frame]) => buildFrame(frame, token)), buildFrame(rawControl(ingressMac), token)];
      const shifted = [
        ...chunks.map(tagged),
        ...table.filter(([frame]) => frame.vlan.length > 0).map(([frame]) => untagged(buildFrame(frame, token))),
      ];
      const passing = (frames: readonly Uint8Array[]): number =>
        runOn(capture(frames), 'tcpdump', ['-r', 'FILE', '-nt', '--count', filter]).stdout.split(' ').map(Number)[0] ??
        -1;
      expect([chunks, shifted].map(passing)).toEqual([chunks.length, shifted.length]);
      const others = [
        ...table.map(([frame]) => buildFrame(frame, tokensFor(key, runTag + 1, 42, 1))),
        new Uint8Array(60),
        new Uint8Array(1514).fill(0x12),
        new Uint8Array(20),
      ];
      expect(passing(others)).toBe(0);
    },
  );

  it('is whole at every layer in the eyes of tshark', needs(program('tshark')), () => {
    const frames = table.flatMap(([frame]) =>
      [0, 1, 40].flatMap((more) =>
        [0, 77_777].map((index) => buildFrame({ ...frame, size: frame.size + more }, tokensFor(key, runTag, index, 1))),
      ),
    );
    const checks = ['ip', 'tcp', 'udp'].flatMap((layer) => ['-o', `${layer}.check_checksum:TRUE`]);
    const { stdout, status } = runOn(capture(frames), 'tshark', [
      '-r',
      'FILE',
      '-n',
      ...checks,
      '-T',
      'fields',
      '-e',
      'frame.number',
      '-e',
      '_ws.malformed',
      '-e',
      '_ws.expert.message',
    ]);
    expect(status).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(frames.length);
    expect(stdout).not.toMatch(/malformed|checksum|bad|exceeds|bogus|truncat/i);
  });
});
