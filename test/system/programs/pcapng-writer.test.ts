import { describe, expect, it } from 'vitest';
import { enhancedPacket, interfaceDescription, sectionHeader } from '../../../src/core/pcap/pcapng/writer.js';
import { concat, runOn } from '../../support/pcap/helpers.js';
import { frame, timeNs, file } from '../../support/pcap/written-file.js';
import { needs, program } from '../../support/needs.js';

describe('a pcapng file', () => {
  it('shows its interfaces, comments, ids and directions in tshark without a warning', needs(program('tshark')), () => {
    const { stdout, stderr, status } = runOn(file, 'tshark', [
      '-r',
      'FILE',
      '-n',
      '-T',
      'fields',
      '-e',
      'frame.interface_name',
      '-e',
      'frame.comment',
      '-e',
      'frame.packet_id',
      '-e',
      'frame.packet_flags_direction',
      '-e',
      'frame.time_epoch',
      '-e',
      'frame.len',
      '-e',
      'frame.cap_len',
    ]);
    expect(status).toBe(0);
    expect(stderr.replace(/Running as user.*\n/, '')).toBe('');
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t'));
    expect(rows.map(([name, comment, id]) => ({ name, comment, id }))).toEqual([
      { name: '$(id);é', comment: 'leak: kali2 → lan,second', id: '77' },
      { name: 'vnet0', comment: '', id: '' },
      { name: 'vnet0', comment: '', id: '' },
    ]);
    expect(rows.map((row) => Number(row[3] ?? 0))).toEqual([2, 1, 0]);
    expect(rows[0]?.[4]).toMatch(/1764000000\.123456789|2025-11-24T.*\.123456789/);
    expect(rows.map((row) => row.slice(5))).toEqual([
      ['1500', '61'],
      ['61', '61'],
      ['3', '3'],
    ]);
  });

  it('shows its interfaces, filter, system and drops in capinfos', needs(program('capinfos')), () => {
    const { stdout, stderr, status } = runOn(file, 'capinfos', ['FILE']);
    expect(status).toBe(0);
    expect(stderr.replace(/Running as user.*\n/, '')).toBe('');
    for (const line of [
      /Capture oper-sys:\s+Linux 6\.18/,
      /Capture application:\s+verify-isolation/,
      /Capture comment:\s+a run/,
      /Name = vnet0/,
      /Description = kali2/,
      /Filter string = ether proto 0x88b5/,
      /Capture length = 128/,
      /Number of stat entries = 1/,
      /Time precision = nanoseconds/,
    ]) {
      expect(stdout).toMatch(line);
    }
  });

  it('is read by tcpdump', needs(program('tcpdump')), () => {
    const { stdout, status } = runOn(
      concat(
        sectionHeader({}),
        interfaceDescription({ name: 'vnet0', snaplen: 0 }),
        enhancedPacket({ interfaceId: 0, timeNs, originalLength: 61, data: frame, direction: 2 }),
      ),
      'tcpdump',
      ['-r', 'FILE', '-nett'],
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^1764000000\.\d+ 52:54:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype Unknown \(0x88b5\), length 61/,
    );
  });
});
