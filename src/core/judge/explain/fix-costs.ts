/** What the fix of a cause costs, in one sentence: who loses what. Of those that have no fix there is none. */
const costs: Readonly<Record<string, string>> = {
  mirror: 'whoever the copies are for (an intrusion detection, a debugging session) no longer gets them',
  'ovs-mirror': 'whoever the copies are for (an intrusion detection, a debugging session) no longer gets them',
  'vni-shared': 'the two networks are apart again; whoever relied on their being one is cut off',
  'ovs-flood-flow': 'what the flow was made for stops',
  'ovs-flood-vlans': 'nothing, unless something in that VLAN has to hear everything',
  'ovs-protected': 'protected ports do not reach each other at all',
  'ovs-table-full': 'some memory of the switch',
  'ovs-unknown-flood': 'a guest that the switch does not know is not reached until it speaks',
  'ageing-zero': 'nothing: entries age as they do by default',
  'behind-bridge': 'the entry has to follow the MAC of what is behind the bridge',
  'mac-moved': 'the entry has to follow the guest when it moves',
  'fdb-full': 'memory of the host: a guest can fill the table',
  'aged-out': 'the entry has to follow the guest when it moves',
  'learning-off': 'the entry has to follow the guest when it moves',
  'host-forwards': 'the host routes for nobody any more, guests to the network among them',
  'stp-open': 'a switch behind that port is shut out',
  'vlan-unfiltered': 'every port needs its VLANs, and one that is forgotten is cut off',
  'vlan-shared': 'the port leaves that VLAN, with all that it has there',
  'mcast-router-port': 'a multicast router behind that port no longer gets every group',
  'no-querier': 'groups that no member has reported stop after some minutes',
  member: 'the guest no longer gets the group',
  rewritten: 'members get groups as multicast again, over Wi-Fi slower',
  'source-unchecked': 'the guest can use no other MAC: no nested guests, no addresses that fail over',
  'unknown-flood': 'a guest that is silent for longer than the ageing time is not reached until it speaks',
  'not-isolated': 'the two guests do not reach each other at all, broadcasts and ARP included',
};

/** What flags that stop floods of groups cost depends on the flag (docs/faults.md: `bcast_flood off` ends IPv4). */
const ofGroupFloods = {
  bcast_flood: 'ARP requests and DHCP no longer reach this guest: it loses IPv4 once its neighbours’ entries are gone',
  mcast_flood: 'groups that nobody there joined no longer reach this guest: IPv6 neighbour discovery needs its members',
} as const;

/** What the fix of a cause costs; null = it has no fix, or none that costs anything known. */
export function fixCost(code: string, fix: string): string | null {
  if (fix === '') return null;
  if (code === 'group-flood')
    return fix.includes('bcast_flood') ? ofGroupFloods.bcast_flood : ofGroupFloods.mcast_flood;
  return Object.entries(costs).find(([name]) => name === code)?.[1] ?? null;
}
