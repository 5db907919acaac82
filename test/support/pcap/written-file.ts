import {
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  sectionHeader,
} from '../../../src/core/pcap/pcapng/writer.js';
import { concat } from './helpers.js';

export const frame = Uint8Array.from(Buffer.from('ffffffffffff52540000000188b5' + '00'.repeat(47), 'hex'));
export const timeNs = 1_764_000_000_123_456_789n;

export const file = concat(
  sectionHeader({ hardware: 'x86_64', os: 'Linux 6.18', application: 'verify-isolation', comment: 'a run' }),
  interfaceDescription({
    name: 'vnet0',
    description: 'kali2',
    filter: 'ether proto 0x88b5',
    snaplen: 128,
    os: 'Linux',
  }),
  interfaceDescription({ name: '$(id);é', snaplen: 0 }),
  enhancedPacket({
    interfaceId: 1,
    timeNs,
    originalLength: 1500,
    data: frame,
    direction: 2,
    packetId: 77n,
    comments: ['leak: kali2 → lan', 'second'],
  }),
  enhancedPacket({ interfaceId: 0, timeNs: timeNs + 1n, originalLength: frame.length, data: frame, direction: 1 }),
  enhancedPacket({ interfaceId: 0, timeNs: timeNs + 2n, originalLength: 3, data: frame.subarray(0, 3), direction: 0 }),
  interfaceStatistics({
    interfaceId: 0,
    timeNs: timeNs + 3n,
    received: 7n,
    dropped: 2n,
    delivered: 5n,
    startNs: timeNs,
    endNs: timeNs + 3n,
  }),
);
