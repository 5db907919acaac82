import { placeOf } from '../model/attach.js';
import type { Carrier, Endpoint, ProbeClassName, ProbeEntry, Scenario, Step } from '../model/scenario.js';
import { ipv6Bytes, ipv6Text } from '../wire/ipv6.js';
import { runningBySteps } from '../plan/flows/shortcuts.js';

/** The protocols that guests need, as in reports. */
export type Need = 'unicast' | 'ARP' | 'DHCP' | 'multicast' | 'IPv6 neighbour discovery';

const reachCount = 20;
const maxReached = 32;
const maxMeshed = 6;
const maxGroups = 8;

const nothing = { flush: [], del: [], add: [] } as const;
const nobodyExpected = { expected: null, maySee: null, mustSee: null, seen: [], observers: null } as const;

/** A step's changes, without its frames. */
export function changesOnly(step: Step): Step {
  return {
    ...step,
    waitMs: 0,
    probes: [],
    traffic: [],
    listenMs: null,
    during: [],
    accept: [],
    expect: nobodyExpected,
  };
}

/** A step without its changes. */
export function withoutChanges(step: Step): Step {
  return {
    ...step,
    set: [],
    sysctl: {},
    vlan: { add: [], del: [] },
    fdb: nothing,
    mdb: { add: [], del: [] },
    start: [],
    stop: [],
    run: [],
  };
}

/** Endpoints that run in a step. */
export function presentAt({ topology, steps }: Scenario, index: number): readonly Endpoint[] {
  const [, running] = [...runningBySteps({ topology, steps: steps.slice(0, index + 1) })].at(-1) ?? [];
  return topology.endpoints.filter(({ name }) => running?.has(name) === true);
}

function groupsAt(scenario: Scenario, index: number): readonly string[] {
  const groups = new Set<string>();
  for (const { mdb } of scenario.steps.slice(0, index + 1)) {
    for (const { group } of mdb.del) groups.delete(group);
    for (const { group } of mdb.add) groups.add(group);
  }
  return [...groups];
}

interface Sent {
  readonly class: ProbeClassName;
  readonly from: readonly Endpoint[];
  readonly to: readonly Endpoint[] | null;
  readonly carriers: readonly Carrier[] | null;
  /** null = by class. */
  readonly mustSee: readonly Endpoint[] | null;
  readonly group?: string;
  readonly bothWays?: boolean;
}

function namesOf(endpoints: readonly Endpoint[]): readonly string[] {
  return endpoints.map(({ name }) => name);
}

function entryOf({ class: name, from, to, carriers, mustSee, group, bothWays }: Sent): Omit<ProbeEntry, 'maySee'> {
  return {
    class: name,
    from: namesOf(from),
    to: to === null ? null : namesOf(to),
    via: null,
    bothWays: bothWays ?? false,
    acrossBridges: false,
    count: reachCount,
    rate: null,
    carriers,
    vlanStacks: [[]],
    srcMac: null,
    dstMac: null,
    srcIp: null,
    dstIp: null,
    group: group ?? null,
    size: null,
    mustSee: mustSee === null ? null : namesOf(mustSee),
    seen: [],
  };
}

/** RFC 4291 2.7.1; null = no IPv6 address. */
function solicitedNodeGroup(address: string): string | null {
  const bytes = ipv6Bytes(address);
  return bytes === null
    ? null
    : ipv6Text(Uint8Array.of(0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...bytes.subarray(13)), 0);
}

function guestPairs(guests: readonly Endpoint[]): readonly Sent[] {
  const unicast = { class: 'known-unicast', carriers: ['raw'], mustSee: null } as const;
  if (guests.length < 2) return [];
  if (guests.length <= maxMeshed) return [{ ...unicast, from: guests, to: guests }];
  return guests
    .slice(1)
    .map((guest, at) => ({ ...unicast, from: guests.slice(at, at + 1), to: [guest], bothWays: true }));
}

function sentBy(talker: Endpoint, guests: readonly Endpoint[], groups: readonly string[]): readonly Sent[] {
  const [first] = guests;
  if (first === undefined) return [];
  const gateway = [talker];
  const ipv6 = guests.flatMap((guest) => {
    const address = guest.ips.find(({ family }) => family === 6)?.address;
    const group = address === undefined ? null : solicitedNodeGroup(address);
    return group === null ? [] : [{ guest, group }];
  });
  return [
    // Frames, and replies to ARP requests, between the gateway and each guest.
    { class: 'known-unicast', from: gateway, to: guests, carriers: ['raw', 'arp'], mustSee: null },
    { class: 'known-unicast', from: guests, to: gateway, carriers: ['raw', 'arp'], mustSee: null },
    ...guestPairs(guests),
    // A request is a broadcast: where one for the first arrives everywhere, so does one for each.
    { class: 'arp-request', from: gateway, to: [first], carriers: ['arp'], mustSee: guests },
    { class: 'arp-request', from: guests, to: gateway, carriers: ['arp'], mustSee: gateway },
    // As a client's DISCOVER (RFC 2131): servers answer with unicast.
    { class: 'broadcast', from: guests, to: null, carriers: ['ipv4-udp'], mustSee: gateway },
    ...groups
      .slice(0, maxGroups)
      .map((group): Sent => ({ class: 'multicast', from: gateway, to: null, carriers: null, mustSee: null, group })),
    ...ipv6.slice(0, maxGroups).map(
      ({ guest, group }): Sent => ({
        class: 'multicast',
        from: gateway,
        to: null,
        carriers: ['ipv6-icmp'],
        mustSee: [guest],
        group,
      }),
    ),
  ];
}

/** The protocol of a reach's row. */
export function needOf(row: { readonly class: string; readonly carrier: string }): Need | null {
  if (row.class === 'known-unicast') return row.carrier === 'arp' ? 'ARP' : 'unicast';
  if (row.class === 'arp-request') return 'ARP';
  if (row.class === 'broadcast') return 'DHCP';
  if (row.class === 'multicast') return row.carrier === 'ipv6-icmp' ? 'IPv6 neighbour discovery' : 'multicast';
  return null;
}

interface Reachable {
  readonly talker: Endpoint;
  readonly guests: readonly Endpoint[];
}

/** A fix on one bridge must leave each bridge's guests reachable. */
function reachableOn(present: readonly Endpoint[]): readonly Reachable[] {
  const able = present.filter(({ macs, attach }) => macs.length > 0 && placeOf(attach) !== 'host');
  const gateways = new Set(present.flatMap(({ gateway }) => gateway ?? []));
  return [...new Set(able.map(({ bridge }) => bridge))].flatMap((bridge) => {
    const onBridge = able.filter((endpoint) => endpoint.bridge === bridge);
    const talker =
      onBridge.find(({ role }) => role === 'uplink') ??
      onBridge.find(({ ips }) => ips.some(({ address }) => gateways.has(address))) ??
      onBridge[0];
    if (talker === undefined) return [];
    return [{ talker, guests: onBridge.filter((endpoint) => endpoint !== talker).slice(0, maxReached) }];
  });
}

/** Representatives of each bridge's way out. */
export function talkersOf(present: readonly Endpoint[]): readonly string[] {
  return reachableOn(present).map(({ talker }) => talker.name);
}

/** A step that tests unicast, ARP, DHCP and groups without changes. All endpoints announce themselves first. */
export function reachStep(name: string, step: Step, scenario: Scenario, index: number): Step {
  const present = presentAt(scenario, index);
  const everybody = namesOf(present);
  const groups = groupsAt(scenario, index);
  const sent = reachableOn(present).flatMap(({ talker, guests }) => sentBy(talker, guests, groups));
  return {
    ...changesOnly({ ...withoutChanges(step), learn: everybody }),
    name,
    probes: sent.map((entry) => ({ ...entryOf(entry), maySee: everybody })),
  };
}
