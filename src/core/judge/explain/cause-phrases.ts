import type { GroupCause } from '../../model/result.js';
import type { AuditId, CauseCode } from '../../model/codes.js';
import { isCauseCode } from './cause-meanings.js';

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
