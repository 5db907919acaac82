import { readSysctl } from '../system/kernel/sysctl.js';
import { parsePacketSockets, readPacketTable } from '../system/state/read-packet-sockets.js';
import { forwardingSysctls } from '../system/state/read-reading.js';
import { alwaysRead } from '../system/state/read.js';
import { readVmnet } from './read-vmnet.js';

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
