import { stpOpenWeakness } from '../../bridge/weaknesses/stp-open.js';
import type { AuditId, CauseCode } from '../../model/codes.js';
import type { GroupCause } from '../../model/result.js';

/** What each cause of a leak means, whatever host it was seen on. */
export const causeMeanings: Readonly<Record<CauseCode, string>> = {
  'ageing-zero':
    'The bridge learns nothing: unicast between any two ports floods to every other, as on a hub. Set an ageing time.',
  mirror:
    'A rule of tc or nft, or an XDP program, carries frames of one port to another; its place is named. No attribute of a link shows it.',
  'above-bridge':
    'The observer is a macvlan, an ipvlan or a VLAN device on the bridge or on a port. It gets what the device below gets, whatever the ports are set to.',
  'macvlan-bridge':
    'Sender and observer stand on one lower device by macvlan or macvtap in mode bridge, whose frames pass within the kernel. Or its port has hairpin on, and frames come back.',
  'reflected-by-uplink':
    'Frames that left through an uplink came in from it again: a switch beyond it reflects or copies them. Look there for port security, loops, mirror sessions.',
  nat: 'The host routes between the two and translates addresses (NAT): the frames arrive under another address. The rule is named.',
  rewritten:
    'Headers were rewritten: by a rule of tc (skbmod, pedit), nft or ebtables, a flow of Open vSwitch, a relay, or `mcast_to_unicast`. The result shows the frames.',
  'copy-in-tunnel':
    'The frames came inside other frames: a copy in a tunnel (VXLAN, GRE), or under added labels and tags. The result shows where the token stood.',
  member: 'The observer’s port is a member of the group. Delete the entry if nobody there asked for it.',
  'vni-shared':
    'Bridges of different networks have tunnels with one VXLAN network identifier: what floods on one comes out on the other. Both are named.',
  'ovs-mirror': 'A mirror of Open vSwitch, which is named, copies frames to the observer’s port.',
  'ovs-flood-flow':
    'A flow of Open vSwitch, which is named, outputs frames to the observer whatever the switch has learned.',
  'ovs-flood-vlans': 'Open vSwitch learns nothing in this VLAN (flood_vlans): unicast there floods to every port.',
  'ovs-protected':
    'Sender and addressee are protected from each other, and Open vSwitch floods what it cannot place to unprotected ports.',
  'ovs-table-full':
    'Open vSwitch’s table of MACs is full: it forgets one for each that it learns, and floods frames to a forgotten one.',
  'ovs-unknown-flood': 'Open vSwitch has no entry for the destination, and the observer’s port takes what floods.',
  'behind-bridge':
    'The addressee is behind the bridge device, which never learns where it is: every frame to it floods, for any ageing time.',
  'mac-moved':
    'The addressee’s MAC moved to the port of a sender that used it. A static sticky entry, or a locked port, stops that.',
  'fdb-full': 'The table is at its limit: frames to a MAC beyond it flood. The limit fails open.',
  'aged-out': 'The addressee was silent for longer than the ageing time: the bridge forgot it, and frames to it flood.',
  'learning-off': 'The addressee’s port learns nothing and has no static entry: frames to it flood.',
  'host-forwards': 'The host routes between guests that the bridge keeps apart.',
  'stp-open': stpOpenWeakness.meaning,
  'vlan-unfiltered': 'VLAN filtering is off: every frame passes everywhere, whatever its tags.',
  'vlan-shared':
    'Guests of different zones share a VLAN, or a port carries one that its guest should not have. Port and VLAN are named.',
  'mcast-router-port': 'The port is, or by a query became, a multicast router port, which gets every group.',
  'no-querier': 'The bridge snoops without a querier: it knows no members of groups, and floods.',
  'source-unchecked': 'The sender’s port takes frames with any source MAC.',
  'unknown-flood': 'The bridge has no entry for the destination, and the observer’s port takes unknown unicast.',
  'group-flood': 'The observer’s port takes broadcasts, or multicast that nobody there joined.',
  'not-isolated': 'Both ends are guests, and isolated, which takes both ports, is off on one of them.',
  'sniffer-on-host':
    'A process on the host, which is named, takes every frame at sender, addressee or bridge, and may have handed them on.',
  unexplained:
    'Nothing in the state around the step accounts for the leak. Look at the state files of the evidence, and report it.',
};

export function isCauseCode(code: string): code is CauseCode {
  return Object.hasOwn(causeMeanings, code);
}

/** What the places and the value of a cause give to its phrase. */
interface Parts {
  /** Devices that the places name: `br0`, `vnet0, vnet4 and 2 more`. */
  readonly devices: string;
  readonly isOne: boolean;
  /** The first place, whole. */
  readonly place: string;
  readonly value: string;
}

function verb({ isOne }: Parts, one: string, many: string): string {
  return isOne ? one : many;
}

/** Each cause as a main clause that ends a sentence about who hears whom. */
const phrases: Readonly<Record<CauseCode, (parts: Parts) => string>> = {
  mirror: ({ place }) => `a rule or program copies frames (${place})`,
  'above-bridge': ({ place, value }) => `${place} stands ${value} and gets what that gets`,
  'macvlan-bridge': ({ place }) => `frames get from one guest of a lower device to another (${place})`,
  'reflected-by-uplink': () => 'what is beyond the uplink sends frames back',
  nat: ({ place }) => `the host routes and translates addresses (${place})`,
  rewritten: ({ place }) => `something on the way writes other headers (${place})`,
  'copy-in-tunnel': ({ place }) => `the frames are copied inside other frames (${place})`,
  'vni-shared': (parts) => `${parts.devices} ${verb(parts, 'has', 'have')} the VXLAN identifier of another network`,
  'ovs-mirror': ({ place }) => `a mirror of Open vSwitch copies frames (${place})`,
  'ovs-flood-flow': ({ place }) => `a flow of Open vSwitch floods frames (${place})`,
  'ovs-flood-vlans': ({ place }) => `Open vSwitch learns nothing in this VLAN (${place})`,
  'ovs-protected': ({ place }) => `Open vSwitch floods what protected ports send each other (${place})`,
  'ovs-table-full': ({ place }) => `the MAC table of Open vSwitch is full (${place})`,
  'ovs-unknown-flood': ({ place }) => `Open vSwitch floods what it has no entry for (${place})`,
  'ageing-zero': (parts) => `${parts.devices} ${verb(parts, 'is a hub', 'are hubs')} (ageing_time 0)`,
  'behind-bridge': ({ devices }) => `${devices} floods frames for what is behind its own device`,
  'mac-moved': ({ place, value }) => `the MAC of another guest was taken over (${place} is at ${value})`,
  'fdb-full': ({ place, value }) => `the MAC table is full (${place}: ${value})`,
  'aged-out': ({ place, value }) => `a guest was silent for longer than the bridge remembers it (${place} ${value})`,
  'learning-off': (parts) =>
    `${parts.devices} ${verb(parts, 'learns', 'learn')} no MAC and ${verb(parts, 'has', 'have')} no static entry`,
  'host-forwards': ({ place }) => `the host routes between guests (${place} is 1)`,
  'stp-open': ({ place }) => `a guest's BPDUs are not stopped (${place} is off)`,
  'vlan-unfiltered': (parts) => `${parts.devices} ${verb(parts, 'ignores', 'ignore')} VLAN tags (vlan_filtering 0)`,
  'vlan-shared': (parts) => `${parts.devices} ${verb(parts, 'is', 'are')} in a VLAN of another zone (${parts.place})`,
  member: ({ place }) => `the port is a member of the group (${place})`,
  'mcast-router-port': (parts) =>
    `${parts.devices} ${verb(parts, 'gets', 'get')} every multicast group (multicast_router)`,
  'no-querier': ({ devices }) => `${devices} floods multicast: it snoops without a querier`,
  'source-unchecked': (parts) => `${parts.devices} ${verb(parts, 'takes', 'take')} frames with any source MAC`,
  'unknown-flood': (parts) =>
    `${parts.devices} ${verb(parts, 'takes', 'take')} frames to MACs that the bridge does not know (flood on)`,
  'group-flood': (parts) =>
    parts.place.endsWith('bcast_flood')
      ? `${parts.devices} ${verb(parts, 'takes', 'take')} broadcasts (bcast_flood on)`
      : `${parts.devices} ${verb(parts, 'takes', 'take')} multicast that nobody there joined (mcast_flood on)`,
  'not-isolated': (parts) => `${parts.devices} ${verb(parts, 'is', 'are')} not isolated (isolated off)`,
  'sniffer-on-host': ({ value }) => `${value} on the host takes every frame, and may hand them on`,
  unexplained: () => 'nothing in the settings that were read explains it',
};

/** The device that a place is about: `br0` of `br0.ageing_time`, the name behind `dev` or `on`, else the place itself. */
function deviceOf(place: string): string {
  return /^[^ ]+(?=\.[^. ]+( |$))/.exec(place)?.[0] ?? place;
}

/** Two names, or one and how many more. */
function devicesText(names: readonly string[]): string {
  if (names.length <= 3)
    return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
  return `${names.slice(0, 2).join(', ')} and ${names.length - 2} more ports`;
}

/** What a phrase is made of, of a cause or of a finding of the audit. */
type PhrasedCause = Pick<GroupCause, 'places' | 'value' | 'text'> & { readonly code: GroupCause['code'] | AuditId };

/** A cause as a main clause, with the devices and values that it shows at: `br0 is a hub (ageing_time 0)`. */
export function causePhrase({ code, places, value, text }: PhrasedCause): string {
  if (!isCauseCode(code)) return text;
  const devices = [...new Set(places.map(deviceOf))];
  return phrases[code]({ devices: devicesText(devices), isOne: devices.length === 1, place: places[0] ?? '', value });
}
