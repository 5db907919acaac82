import { readSysctl } from '../sys/sysctl.js';
import { parsePacketSockets, readPacketTable } from './read-packet-sockets.js';
import { forwardingSysctls } from './read-reading.js';
import { readVmnet } from './read-vmnet.js';
import { alwaysRead } from './read.js';

/**
 * What raises no event (sysctls, packet sockets, VMware's devices) as one text: where it differs from the last one,
 * something changed. Cheap.
 */
export function silentState(netns: string | null): string {
  const sockets = parsePacketSockets(readPacketTable(netns) ?? '')
    .map(({ inode, ifindex, protocol }) => `${inode} ${ifindex} ${protocol}`)
    .sort();
  return JSON.stringify([sockets, readSysctl(netns, [...alwaysRead, ...forwardingSysctls]), readVmnet()]);
}
