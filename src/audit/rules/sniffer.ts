import type { BridgeRule } from '../../core/audit/rule.js';
import { readFrom } from '../bridge-view.js';
import { describeHolders } from '../describe-holders.js';

/** ETH_P_ALL of linux/if_ether.h. */
const everyFrame = '0003';

/**
 * A packet socket for every frame on the bridge, a port, or everything; needs no promiscuous mode and raises no event.
 * DHCP clients and the like take one protocol only.
 */
export const snifferOnHost: BridgeRule = ({ link, ports }, { packetSockets }) => {
  const places = new Map([
    [0, 'every interface'],
    [link.ifindex, link.name],
    ...ports.map((port) => [port.link.ifindex, port.name] as const),
  ]);
  return (packetSockets ?? [])
    .filter((socket) => places.has(socket.ifindex) && socket.protocol === everyFrame && !socket.own)
    .map((socket) => ({
      severity: 'high',
      place: `packet socket on ${places.get(socket.ifindex) ?? ''}`,
      value: `held by ${describeHolders([socket])}`,
      readFrom: `${readFrom.packet}, /proc/*/fd`,
      text: 'a process on the host takes every frame there',
      probe: null,
      fix: 'end the process where it should not listen',
    }));
};
