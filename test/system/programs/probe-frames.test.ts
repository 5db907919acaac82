import { describe, expect, it } from 'vitest';
import { classicHeader, classicRecord } from '../../../src/core/pcap/classic/writer.js';
import { buildFrame } from '../../../src/core/probe/frames/frame.js';
import { leastSize } from '../../../src/core/probe/frames/plain.js';
import { tokensFor } from '../../../src/core/wire/token.js';
import { concat, runOn } from '../../support/pcap/helpers.js';
import { key, runTag, token, spec, forms } from '../../support/probe/frame-fixture.js';
import { needs, program } from '../../support/needs.js';

function capture(frames: readonly Uint8Array[]): Uint8Array {
  return concat(
    classicHeader('micro', 65_535),
    ...frames.map((data, i) =>
      classicRecord('micro', { timeNs: BigInt(i) * 1_000_000n, originalLength: data.length, data }),
    ),
  );
}

describe('a probe frame', () => {
  it('is what its tcpdump line says, for every form', needs(program('tcpdump')), () => {
    const lines = runOn(capture(forms.map(({ carrier, vlan }) => buildFrame(spec(carrier, vlan), token))), 'tcpdump', [
      '-r',
      'FILE',
      '-nevvt',
    ])
      .stdout.replaceAll(/\n\s+/g, ' ')
      .trim()
      .split('\n');
    expect(lines).toHaveLength(forms.length);
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
      expect(line).not.toMatch(/bad|wrong|incorrect|truncated|invalid/);
      for (const id of vlan) expect(line).toMatch(new RegExp(`vlan ${id}, p 0`));
      expect(line).not.toContain('0x88a8');
    });
  });

  it('is whole and rightly summed at every layer in the eyes of tshark', needs(program('tshark')), () => {
    const sizes = [0, 1, 7, 400];
    const frames = forms.flatMap(({ carrier, vlan }) =>
      sizes.flatMap((more) =>
        [0, 1, 65_535, 77_777].map((index) =>
          buildFrame(
            spec(carrier, vlan, Math.max(60, leastSize(carrier, vlan.length)) + more),
            tokensFor(key, runTag, index, 1),
          ),
        ),
      ),
    );
    const checks = ['ip', 'tcp', 'udp'].map((layer) => ['-o', `${layer}.check_checksum:TRUE`]).flat();
    const { stdout, status } = runOn(capture(frames), 'tshark', [
      '-r',
      'FILE',
      '-n',
      ...checks,
      '-T',
      'fields',
      '-e',
      '_ws.expert.message',
      '-e',
      'ip.checksum.status',
      '-e',
      'udp.checksum.status',
      '-e',
      'tcp.checksum.status',
      '-e',
      'icmp.checksum.status',
      '-e',
      'icmpv6.checksum.status',
    ]);
    expect(status).toBe(0);
    const lines = stdout.replace(/\n$/, '').split('\n');
    expect(lines).toHaveLength(frames.length);
    const per = sizes.length * 4;
    lines.forEach((line, i) => {
      const { carrier } = forms[Math.floor(i / per)] ?? { carrier: 'raw' as const };
      const [expert, ip, udp, tcp, icmp, icmpv6] = line.split('\t');
      expect(expert).not.toMatch(/malformed|checksum|bad|exceeds|bogus|truncat/i);
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
