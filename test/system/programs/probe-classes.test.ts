import { describe, expect, it } from 'vitest';
import { classicHeader, classicRecord } from '../../../src/core/pcap/classic/writer.js';
import { concat, runOn } from '../../support/pcap/helpers.js';
import { classCases } from '../../support/probe/class-fixture.js';
import { needs, program } from '../../support/needs.js';

const capture = concat(
  classicHeader('micro', 65_535),
  ...classCases.map(({ frame: data }, i) =>
    classicRecord('micro', { timeNs: BigInt(i) * 1_000_000n, originalLength: data.length, data }),
  ),
);

describe('the frames of every class with every carrier that it takes', () => {
  it('are whole for tcpdump', needs(program('tcpdump')), () => {
    const lines = runOn(capture, 'tcpdump', ['-r', 'FILE', '-nevvt'])
      .stdout.replaceAll(/\n\s+/g, ' ')
      .trim()
      .split('\n');
    expect(lines).toHaveLength(classCases.length);
    expect(
      lines.flatMap((line, at) =>
        /bad|wrong|incorrect|truncated|invalid/.test(line.replaceAll('2001:db8:bad::66', ''))
          ? [`${classCases[at]?.name ?? ''} ${classCases[at]?.carrier ?? ''}: ${line}`]
          : [],
      ),
    ).toEqual([]);
  });

  it('are whole for tshark at every layer', needs(program('tshark')), () => {
    const checks = ['ip', 'tcp', 'udp'].flatMap((layer) => ['-o', `${layer}.check_checksum:TRUE`]);
    const { stdout, status } = runOn(capture, 'tshark', [
      '-r',
      'FILE',
      '-n',
      ...checks,
      '-T',
      'fields',
      '-e',
      '_ws.malformed',
      '-e',
      '_ws.expert.severity',
      '-e',
      '_ws.expert.message',
    ]);
    expect(status).toBe(0);
    const lines = stdout.replace(/\n$/, '').split('\n');
    expect(lines).toHaveLength(classCases.length);
    expect(
      lines.flatMap((line, at) =>
        /malformed|checksum|bad|exceeds|bogus|truncat/i.test(line)
          ? [`${classCases[at]?.name ?? ''} ${classCases[at]?.carrier ?? ''}: ${line}`]
          : [],
      ),
    ).toEqual([]);
  });
});
