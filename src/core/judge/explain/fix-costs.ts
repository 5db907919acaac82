/** What guests pay for a fix, from nothing to all that they live on. */
const prices = {
  nothing: 0,
  /** The host pays, or something that watches guests. */
  host: 1,
  /** Entries have to follow guests. */
  upkeep: 2,
  /** Guests that are silent are not reached. */
  silence: 3,
  /** A port gets less than it got. */
  share: 4,
  /** Guests do not reach each other, or the network. */
  apart: 5,
  /** ARP and DHCP do not reach a guest. */
  cutOff: 6,
} as const;

/**
 * What the fix of a cause costs: who loses what in one sentence, behind how much that is. Of those that have no fix
 * there is none.
 */
const costs: Readonly<Record<string, readonly [price: keyof typeof prices, text: string]>> = {
  mirror: ['host', 'the receiver of the copies (an intrusion detection, a debugging session) no longer gets them'],
  'ovs-mirror': [
    'host',
    'the receiver of the copies (an intrusion detection, a debugging session) no longer gets them',
  ],
  'vni-shared': ['apart', 'the two networks are apart again; what relied on their being one is cut off'],
  'ovs-flood-flow': ['share', 'what the flow was made for stops'],
  'ovs-flood-vlans': ['nothing', 'nothing, unless something in that VLAN has to hear everything'],
  'ovs-protected': ['apart', 'protected ports do not reach each other at all'],
  'ovs-table-full': ['host', 'some memory of the switch'],
  'ovs-unknown-flood': ['silence', 'a guest that the switch does not know is not reached until it speaks'],
  'ageing-zero': ['nothing', 'nothing: entries age as they do by default'],
  'behind-bridge': ['upkeep', 'the entry has to follow the MAC of what is behind the bridge'],
  'macvlan-bridge': ['apart', 'guests of the lower device do not reach each other by it'],
  'mac-moved': ['upkeep', 'the entry has to follow the guest when it moves'],
  'fdb-full': ['host', 'memory of the host: a guest can fill the table'],
  'aged-out': ['upkeep', 'the entry has to follow the guest when it moves'],
  'learning-off': ['upkeep', 'the entry has to follow the guest when it moves'],
  'host-forwards': ['apart', 'the host routes for nobody any more, guests to the network among them'],
  'stp-open': ['share', 'a switch behind that port is shut out'],
  'vlan-unfiltered': ['share', 'every port needs its VLANs, and one that is forgotten is cut off'],
  'vlan-shared': ['share', 'the port leaves that VLAN, with all that it has there'],
  'mcast-router-port': ['share', 'a multicast router behind that port no longer gets every group'],
  'no-querier': ['host', 'groups that no member has reported stop after some minutes'],
  member: ['share', 'the guest no longer gets the group'],
  rewritten: ['host', 'members get groups as multicast again, over Wi-Fi slower'],
  'source-unchecked': ['share', 'the guest can use no other MAC: no nested guests, no addresses that fail over'],
  'unknown-flood': ['silence', 'a guest that is silent for longer than the ageing time is not reached until it speaks'],
  'not-isolated': ['apart', 'the guests do not reach each other at all, broadcasts and ARP included'],
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
  return costOf(code, fix)?.[1] ?? null;
}

/** A full table is answered by an entry for the addressee, or by a larger table. */
function costOf(code: string, fix: string): (typeof costs)[string] | null {
  const paid = code === 'fdb-full' && fix.startsWith('bridge fdb') ? 'aged-out' : code;
  return Object.entries(costs).find(([name]) => name === paid)?.[1] ?? null;
}

/** How much the fix of a cause takes from guests, as a number to compare; one of which that is not known is in the middle. */
export function fixPrice(code: string, fix: string): number {
  if (code === 'group-flood') return fix.includes('bcast_flood') ? prices.cutOff : prices.share;
  return prices[costOf(code, fix)?.[0] ?? 'silence'];
}
