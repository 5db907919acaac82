import { describe, expect, it } from 'vitest';
import { classicHeader, classicRecord } from '../../../src/core/pcap/classic/writer.js';
import { ingressMac, rawControl } from '../../../src/core/plan/ingress-controls.js';
import { buildFrame } from '../../../src/core/probe/frames/frame.js';
import { leastSize } from '../../../src/core/probe/frames/plain.js';
import { expandTokenWord, searchDepth, tokenWord } from '../../../src/core/wire/token-filter.js';
import { tokensFor } from '../../../src/core/wire/token.js';
import { concat, runOn } from '../../support/pcap/helpers.js';
import { classCases } from '../../support/probe/class-fixture.js';
import { key, runTag, table, token } from '../../support/probe/form-fixture.js';
import { forms, spec } from '../../support/probe/frame-fixture.js';
import { needs, program } from '../../support/needs.js';

type Frames = readonly Uint8Array[];

const capture = (frames: Frames): Uint8Array =>
  concat(
    classicHeader('micro', 65_535),
    ...frames.map((data, i) =>
      classicRecord('micro', { timeNs: BigInt(i) * 1_000_000n, originalLength: data.length, data }),
    ),
  );

/** A line of tcpdump for each frame. */
function tcpdump(frames: Frames): readonly string[] {
  const { stdout } = runOn(capture(frames), 'tcpdump', ['-r', 'FILE', '-nevvt']);
  const lines = stdout.replaceAll(/\n\s+/g, ' ').trim().split('\n');
  expect(lines).toHaveLength(frames.length);
  return lines;
}

/** Fields of tshark, which tries every sum, for each frame. */
function tshark(frames: Frames, ...fields: readonly string[]): readonly string[] {
  const checks = ['ip', 'tcp', 'udp'].flatMap((layer) => ['-o', `${layer}.check_checksum:TRUE`]);
  const words = ['-r', 'FILE', '-n', ...checks, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
  const { stdout, status } = runOn(capture(frames), 'tshark', words);
  expect(status).toBe(0);
  const lines = stdout.replace(/\n$/, '').split('\n');
  expect(lines).toHaveLength(frames.length);
  return lines;
}

const badForTcpdump = /bad|wrong|incorrect|truncated|invalid/;
const badForTshark = /malformed|checksum|bad|exceeds|bogus|truncat/i;

describe('a probe frame', () => {
  it('is what its tcpdump line says, for every form', needs(program('tcpdump')), () => {
    const lines = tcpdump(forms.map(({ carrier, vlan }) => buildFrame(spec(carrier, vlan), token)));
    const what = {
      raw: /ethertype Unknown \(0x88b5\)/,
      arp: /Request who-has 192\.168\.0\.200 tell 192\.168\.0\.20/,
      'ipv4-udp':
        /ttl 64, id 0, .*flags \[DF\], proto UDP.*192\.168\.0\.20\.54857 > 192\.168\.0\.200\.54858: \[udp sum ok\] UDP, length 18/,
      'ipv4-tcp': /proto TCP.*Flags \[S\], cksum 0x[0-9a-f]+ \(correct\), seq 0:18/,
      'ipv4-icmp': /proto ICMP.*192\.168\.0\.20 > 192\.168\.0\.200: ICMP echo request, id 54857, seq 1, length 26/,
      'ipv6-udp': /hlim 64, next-header UDP.*\[udp sum ok\] UDP, length 18/,
      'ipv6-icmp': /next-header ICMPv6.*\[icmp6 sum ok\] ICMP6, echo request, id 54857, seq 1/,
    };
    forms.forEach(({ carrier, vlan }, i) => {
      const line = lines[i] ?? '';
      expect(line).toMatch(what[carrier]);
      expect(line).not.toMatch(badForTcpdump);
      for (const id of vlan) expect(line).toMatch(new RegExp(`vlan ${id}, p 0`));
      expect(line).not.toContain('0x88a8');
    });
  });

  it('is whole and rightly summed at every layer in the eyes of tshark', needs(program('tshark')), () => {
    const cases = forms.flatMap(({ carrier, vlan }) =>
      [0, 1, 7, 400].flatMap((more) =>
        [0, 1, 65_535, 77_777].map((index) => {
          const size = Math.max(60, leastSize(carrier, vlan.length)) + more;
          return { carrier, frame: buildFrame(spec(carrier, vlan, size), tokensFor(key, runTag, index, 1)) };
        }),
      ),
    );
    const sums = ['ip', 'udp', 'tcp', 'icmp', 'icmpv6'].map((layer) => `${layer}.checksum.status`);
    const lines = tshark(
      cases.map(({ frame }) => frame),
      '_ws.expert.message',
      ...sums,
    );
    cases.forEach(({ carrier }, i) => {
      const [expert, ip, udp, tcp, icmp, icmpv6] = (lines[i] ?? '').split('\t');
      expect(expert).not.toMatch(badForTshark);
      const good = (yes: boolean): string => (yes ? '1' : '');
      expect({ carrier, ip, udp, tcp, icmp, icmpv6 }).toEqual({
        carrier,
        ip: good(carrier.startsWith('ipv4')),
        udp: good(carrier.endsWith('udp')),
        tcp: good(carrier === 'ipv4-tcp'),
        icmp: good(carrier === 'ipv4-icmp'),
        icmpv6: good(carrier === 'ipv6-icmp'),
      });
    });
  });
});

describe('a form of frame', () => {
  it('is what its tcpdump line says', needs(program('tcpdump')), () => {
    const lines = tcpdump(table.map(([frame]) => buildFrame(frame, token)));
    table.forEach(([, line], i) => {
      expect(lines[i]).toMatch(line);
      expect(lines[i]).not.toMatch(badForTcpdump);
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
      const passing = (frames: Frames): number =>
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
    expect(tshark(frames, 'frame.number', '_ws.malformed', '_ws.expert.message').join('\n')).not.toMatch(badForTshark);
  });
});

describe('the frames of every class with every carrier that it takes', () => {
  const frames = classCases.map(({ frame }) => frame);
  /** Cases whose lines are bad, with them. */
  const badOf = (lines: readonly string[], bad: RegExp): readonly string[] =>
    classCases.flatMap(({ name, carrier }, at) =>
      bad.test(lines[at] ?? '') ? [`${name} ${carrier}: ${lines[at]}`] : [],
    );

  it('are whole for tcpdump', needs(program('tcpdump')), () => {
    const lines = tcpdump(frames).map((line) => line.replaceAll('2001:db8:bad::66', ''));
    expect(badOf(lines, badForTcpdump)).toEqual([]);
  });

  it('are whole for tshark at every layer', needs(program('tshark')), () => {
    const lines = tshark(frames, '_ws.malformed', '_ws.expert.severity', '_ws.expert.message');
    expect(badOf(lines, badForTshark)).toEqual([]);
  });
});
