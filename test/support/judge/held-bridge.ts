import type { PacketSocket } from '../../../src/core/model/packet-socket.js';
import { b, br0, bridge, entry, host, port, p2 } from './leak-fixture.js';

const vmnetBridge: PacketSocket = {
  ...{ inode: '7', ifindex: br0.ifindex, protocol: '0003', own: false, promiscuous: [br0.ifindex] },
  holders: [{ pid: 98, name: 'vmnet-bridge' }],
};
const heldBy = (socket: Partial<PacketSocket>) => ({
  before: host({ packetSockets: [{ ...vmnetBridge, ...socket }] }),
});

/** When a bridge that a hypervisor bridges is found: each-cause.test.ts. */
export const heldBridgeCauses = {
  'bridge-promiscuous': {
    found: {
      entries: [],
      to: { ...b, attach: 'promiscuous', port: null },
      bridge: bridge({}, { promiscuity: 1 }),
      ...heldBy({}),
    },
    reported: {
      place: 'br0.promiscuity',
      value: 'vmnet-bridge (pid 98)',
      fix: 'ip link add behind0 type veth peer name behind1 && ip link set behind0 master br0 up && ip link set behind1 up, and bridge behind1 instead of br0 there, or flood off at each port (bridge link set dev PORT flood off)',
    },
    not: {
      'a bridge that nobody holds': { bridge: bridge({}) },
      'an addressee at a port': { to: b },
      'an entry': { entries: [entry()] },
      'an observer that takes no floods': { port: port(p2, { flood: false }) },
      'a holder that is not seen': { before: host({ packetSockets: [] }) },
      'a socket that does not hold it': heldBy({ promiscuous: [] }),
      'the relay of the lab': heldBy({ holders: [{ pid: 98, name: 'verify-isolation relay' }] }),
    },
  },
} as const;
