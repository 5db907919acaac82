import { stpOpenWeakness } from '../../bridge/weaknesses/stp-open.js';
import type { causes } from './causes.js';

export type CauseCode = keyof typeof causes | 'unexplained';

/** What each cause of a leak means, whatever host it was seen on. */
export const causeMeanings: Readonly<Record<CauseCode, string>> = {
  'ageing-zero':
    'The bridge learns nothing, so unicast between any two ports floods to every other: it is a hub. Set an ageing time.',
  mirror:
    'A rule of tc or nft, or an XDP program, carries frames of one port to another. No attribute of a link shows it; the place of the rule is named.',
  'above-bridge':
    'The observer stands on the bridge or on a port without being one: a macvlan, an ipvlan or a VLAN device. It gets what the device below gets, whatever the ports are set to.',
  'macvlan-bridge':
    'Sender and observer stand on one lower device by macvlan or macvtap in mode bridge: the kernel hands frames from one to the other, whatever bridges, their rules and the switch say. Or the port of the lower device has hairpin on, and what leaves comes back, which mode private lets in as well where it is unicast.',
  'reflected-by-uplink':
    'Frames that had left through an uplink came in from it again: a switch beyond it reflects them, or a mirror there copies them back. Look at the switch’s port: port security, loops, mirror sessions.',
  nat: 'The host routes between the two and translates addresses (NAT) on the way: the frames arrive under another address. The rule is named.',
  rewritten:
    'Something on the way wrote other headers: a rule of tc (skbmod, pedit), nft or ebtables, a flow of Open vSwitch, a relay, or `mcast_to_unicast`. The result shows what the frames looked like.',
  'copy-in-tunnel':
    'The frames came inside other frames: a copy in a tunnel (VXLAN, GRE, a mirror’s), or under labels and tags that were put on. The result shows where the token stood.',
  member: 'The observer’s port is a member of the group. Where nobody there asked for it, the entry is to be deleted.',
  'vni-shared':
    'Bridges of different networks have tunnels with one VXLAN network identifier, so what is flooded on one comes out on the other, on whatever host that is. Both are named.',
  'ovs-mirror': 'A mirror of Open vSwitch copies frames to the observer’s port. The mirror is named.',
  'ovs-flood-flow':
    'A flow of Open vSwitch outputs frames to the observer whatever the switch has learned. The flow is named.',
  'ovs-flood-vlans': 'Open vSwitch learns nothing in this VLAN (flood_vlans), so unicast there floods to every port.',
  'ovs-protected':
    'Sender and addressee are protected from each other, and Open vSwitch floods what it cannot place to the ports that are not protected.',
  'ovs-table-full':
    'Open vSwitch’s table of MACs is full: it forgets one for each that it learns, and floods what is sent to a MAC that it forgot.',
  'ovs-unknown-flood': 'Open vSwitch has no entry for the destination, and the observer’s port takes what is flooded.',
  'behind-bridge':
    'The addressee is behind the bridge device itself, which never learns where it is: every frame to it floods to every port, for any ageing time.',
  'mac-moved':
    'The addressee’s MAC moved to another port: a sender that uses a MAC gets its frames, unless its entry is static and sticky or the sender’s port is locked.',
  'fdb-full':
    'The table is at its limit: a MAC beyond it cannot be learned, and what is sent to it floods. The limit fails open.',
  'aged-out':
    'The addressee was silent for longer than the ageing time, so the bridge forgot it and floods what is sent to it.',
  'learning-off': 'The addressee’s port learns nothing and has no static entry, so what is sent to it floods.',
  'host-forwards': 'The host routes between guests that the bridge keeps apart.',
  'stp-open': stpOpenWeakness.meaning,
  'vlan-unfiltered': 'VLAN filtering is off: tags mean nothing to the bridge, and every frame passes everywhere.',
  'vlan-shared':
    'Guests of different zones share a VLAN, or a port carries one that its guest should not have. The port and the VLAN are named.',
  'mcast-router-port': 'The port is, or by a query became, a multicast router port, which gets every group.',
  'no-querier': 'The bridge snoops without a querier, so it does not know the members of groups and floods.',
  'source-unchecked': 'The sender’s port takes frames with any source MAC.',
  'unknown-flood': 'The bridge has no entry for the destination, and the observer’s port takes unknown unicast.',
  'group-flood': 'The observer’s port takes broadcasts, or multicast that nobody there joined.',
  'not-isolated':
    'Both ends are guests, and isolated, which takes effect only where both ports have it, is off on one of them.',
  'sniffer-on-host':
    'A process on the host takes every frame at the sender, the addressee or the bridge, and may have handed them on. It is named.',
  unexplained:
    'Nothing in the state that was read around the step accounts for the leak. Look at the state files of the evidence, and report it.',
};

export function isCauseCode(code: string): code is CauseCode {
  return Object.hasOwn(causeMeanings, code);
}
