import { closeSync } from 'node:fs';
import { attributesByNumber } from '../../../core/bridge/attributes.js';
import {
  ipsecPolicies,
  isOfRouting,
  lostEvents,
  nexthopObjects,
  routesTo,
  routingRules,
  type SettingChange,
  vlanList,
} from '../../../core/model/timeline.js';
import { ipv4Text } from '../../../core/wire/ipv4.js';
import { ipv6Text } from '../../../core/wire/ipv6.js';
import { openNetlinkAsker } from '../../kernel/ask/netlink-dump.js';
import { inNamespace } from '../../kernel/namespaces.js';
import {
  NETLINK_ROUTE,
  NETLINK_XFRM,
  netlinkAttributes,
  netlinkText,
  openNetlinkIfThere,
  RTM_DELLINK,
  RTM_DELNEIGH,
  RTM_DELNEXTHOP,
  RTM_DELROUTE,
  RTM_DELRULE,
  RTM_GETLINK,
  RTM_NEWLINK,
  RTM_NEWNEIGH,
  RTM_NEWNETCONF,
  RTM_NEWNEXTHOP,
  RTM_NEWROUTE,
  RTM_NEWRULE,
  waitingMessages,
} from '../../kernel/netlink-socket.js';
import { netconfGroups, sysctlChangesIn } from './sysctl-changes.js';
import { given } from '../../../core/text/collections.js';

/**
 * RTNLGRP_LINK, _NEIGH, _IPV4_RULE and _IPV6_RULE of linux/rtnetlink.h, and sysctls' groups. One socket each: a flood
 * on one displaces nothing of another.
 */
const neighbourGroup = 3;
const groups = [1, neighbourGroup, 8, 19, ...netconfGroups].map((group) => ({ family: NETLINK_ROUTE, group }) as const);
/** RTNLGRP_IPV4_ROUTE, _IPV6_ROUTE and _NEXTHOP, and XFRMNLGRP_POLICY of linux/xfrm.h. */
const groupsOfRoutes = [
  ...[7, 11, 32].map((group) => ({ family: NETLINK_ROUTE, group }) as const),
  { family: NETLINK_XFRM, group: 4 } as const,
];
const bodyAt = 16;
/** In struct rtmsg, behind struct nlmsghdr, and behind it; RTM_F_CLONED, and RTA_DST of linux/rtnetlink.h. */
const route = { lengthAt: 17, flagsAt: 24, attributesAt: 28, isCloned: 0x200, destination: 1 } as const;
const [AF_INET, AF_INET6] = [2, 10] as const;
const AF_BRIDGE = 7;
const buffer = 1024 * 1024;

/** IFLA_BR_… and IFLA_BRPORT_… of linux/if_link.h, by key of `ip -j -d link`. */
const ofBridge = attributesByNumber('bridge');
const ofPort = attributesByNumber('port');
/** IFLA_IFNAME. */
const nameAttribute = 3;
const masterWord = 'master';
/** Not for ports: a bridge makes them promiscuous (br_manage_promisc, net/bridge/br_if.c). */
const promiscuity = 'promiscuity';
/** IFLA_ADDRESS, _MTU, _MASTER, _PROMISCUITY, _CARRIER, _XDP, in the judge's words. */
const ofLink: ReadonlyMap<number, string> = new Map([
  [1, 'MAC'],
  [4, 'MTU'],
  [10, masterWord],
  [30, promiscuity],
  [33, 'carrier'],
  [43, 'XDP program'],
]);
/** IFLA_MTU, _PROTINFO, _LINKINFO, _AF_SPEC. IFLA_INFO_KIND, _DATA, _SLAVE_KIND, _SLAVE_DATA. */
const link = { mtu: 4, protinfo: 12, info: 18, ofFamily: 26, kind: 1, data: 2, slaveKind: 4, slaveData: 5 } as const;
/** IFLA_BRIDGE_VLAN_INFO and _VLAN_TUNNEL_INFO of linux/if_bridge.h. */
const ofVlans: ReadonlySet<number> = new Set([2, 3]);
/** NDA_LLADDR, _VLAN and _MASTER; NUD_NOARP: a static entry (linux/neighbour.h). */
const neighbour = { lladdr: 2, vlan: 5, master: 9, isStatic: 0x40 } as const;
const stateAt = 24;
/** In struct ifinfomsg and in struct ndmsg, behind struct nlmsghdr. */
const ifindexAt = 20;
const linkAttributesAt = 32;
const neighbourAttributesAt = 28;

export interface SettingChangeWatch {
  /**
   * Settings changed twice or more since the last call. Routes, rules and policies count at once: a device takes its
   * routes along unreported.
   */
  take(): readonly SettingChange[];
  unheard(): readonly string[];
  close(): void;
}

/**
 * Linux bridges and ports, sysctls, static entries, policy routing. A device's event has all its settings: a reverted
 * change shows as two values. `routes`: adds routes, nexthop objects and IPsec policies, of which routers have many
 * without effect on bridged guests.
 */
export function watchSettingChanges(netns: string | null, routes: boolean): SettingChangeWatch {
  const [opened, promiscuous] = inNamespace(netns, () => [
    [...groups, ...(routes ? groupsOfRoutes : [])].map(({ family, group }) => ({
      family,
      mayLose: family === NETLINK_ROUTE && group === neighbourGroup,
      socket: openNetlinkIfThere({ family, groups: [group], waitMs: null, buffer }),
    })),
    promiscuityOfBridges(),
  ]);
  const sockets = opened.flatMap(({ socket, ...rest }) =>
    socket === null || 'refused' in socket ? [] : [{ ...rest, fd: socket.fd }],
  );
  const refused = opened.flatMap(({ socket }) => (socket !== null && 'refused' in socket ? [socket.refused] : []));
  return {
    unheard: () => [...new Set(refused)].map((why) => `changes of settings: ${why}`),
    take() {
      const changes = new Map<string, SettingChange & { readonly values: Set<string> }>();
      for (const { ifindex, what, value, name } of sockets.flatMap((socket) => [...waiting(socket)])) {
        const key = `${ifindex} ${what}`;
        const known = changes.get(key) ?? {
          ifindex,
          what,
          values: new Set(what === promiscuity ? promiscuous.get(ifindex) : []),
          ...given({ name }),
        };
        changes.set(key, known);
        known.values.add(value);
      }
      return [...changes.values()]
        .filter(({ what, values }) => values.size > 1 || what === lostEvents || isOfRouting(what))
        .map(({ values, ...change }) => ({ ...change, ...mastersOf(change, values) }));
    },
    close: () => sockets.forEach(({ fd }) => closeSync(fd)),
  };
}

/** struct ifinfomsg, and IFLA_INFO_KIND in IFLA_LINKINFO. */
const bridgesOnly = Buffer.concat([
  Buffer.alloc(linkAttributesAt - bodyAt),
  Buffer.from([16, 0, link.info, 0, 11, 0, link.kind, 0]),
  Buffer.from('bridge\0\0'),
]);

/**
 * Bridges' promiscuity at the start, by index: giving it up raises no event if a device on the bridge goes down
 * (__dev_set_rx_mode, net/core/dev.c). Events may show one value alone.
 */
function promiscuityOfBridges(): ReadonlyMap<number | null, readonly string[]> {
  const asker = openNetlinkAsker(NETLINK_ROUTE);
  const answers = asker?.ask(RTM_GETLINK, bridgesOnly, 'dump') ?? [];
  asker?.close();
  return new Map(
    answers.flatMap(({ bytes }) =>
      [...linkIn(bytes, 0)].flatMap(({ ifindex, what, value }) =>
        what === promiscuity ? [[ifindex, [value]] as const] : [],
      ),
    ),
  );
}

interface Reported extends SettingChange {
  readonly value: string;
}

function mastersOf({ what }: SettingChange, values: ReadonlySet<string>): Pick<SettingChange, 'masters'> {
  if (what !== masterWord) return {};
  return {
    masters: [...values].filter((value) => value !== '').map((value) => Buffer.from(value, 'hex').readUInt32LE(0)),
  };
}

interface HeardSocket {
  readonly fd: number;
  readonly family: typeof NETLINK_ROUTE | typeof NETLINK_XFRM;
  /** Neighbours only: MAC sweeps may exceed the buffer. */
  readonly mayLose: boolean;
}

function* waiting({ fd, family: socketFamily, mayLose }: HeardSocket): Generator<Reported> {
  for (const message of waitingMessages(fd)) {
    if (message === 'lost') {
      if (!mayLose) yield { ifindex: null, what: lostEvents, value: '' };
      continue;
    }
    const { type, family, bytes } = message;
    if (socketFamily === NETLINK_XFRM) yield changeOf(ipsecPolicies, type, bytes);
    else yield* byType.get(type)?.(bytes, family, type) ?? [];
  }
}

/** By type of rtnetlink(7). */
type Report = (message: Buffer, family: number, type: number) => Iterable<Reported>;
const ofObjects: Report = (message, _, type) => [changeOf(nexthopObjects, type, message)];
const ofRules: Report = (message, _, type) => [changeOf(routingRules, type, message)];
const ofEntries: Report = (message, family, type) =>
  family === AF_BRIDGE ? staticEntryIn(message, type === RTM_NEWNEIGH) : [];
const ofNetconf: Report = function* ofNetconf(message, family) {
  for (const { name, value } of sysctlChangesIn(message, family)) yield { ifindex: null, what: name, value };
};
const byType: ReadonlyMap<number, Report> = new Map<number, Report>([
  [RTM_NEWLINK, linkIn],
  [RTM_DELLINK, (message, family) => (family === AF_BRIDGE ? [] : [goneIn(message)])],
  [RTM_NEWNETCONF, ofNetconf],
  [RTM_NEWRULE, ofRules],
  [RTM_DELRULE, ofRules],
  [RTM_NEWNEXTHOP, ofObjects],
  [RTM_DELNEXTHOP, ofObjects],
  [RTM_NEWROUTE, routeIn],
  [RTM_DELROUTE, routeIn],
  [RTM_NEWNEIGH, ofEntries],
  [RTM_DELNEIGH, ofEntries],
]);

function changeOf(what: string, type: number, message: Buffer): Reported {
  return { ifindex: null, what, value: `${type} ${message.toString('hex', bodyAt)}` };
}

/** The kernel's cached result for a packet is no entry of the table. */
function* routeIn(message: Buffer, family: number, type: number): Generator<Reported> {
  if ((message.readUInt32LE(route.flagsAt) & route.isCloned) !== 0) return;
  const destination = attributesOf(message.subarray(route.attributesAt)).get(route.destination);
  const isIpv4 = family === AF_INET;
  if (!isIpv4 && family !== AF_INET6) return;
  const address = destination ?? Buffer.alloc(isIpv4 ? 4 : 16);
  const text = isIpv4 ? ipv4Text(address, 0) : ipv6Text(address, 0);
  yield changeOf(`${routesTo}${text}/${message.readUInt8(route.lengthAt)}`, type, message);
}

type Setting = readonly [what: string, value: string];

function* linkIn(message: Buffer, family: number): Generator<Reported> {
  const ifindex = message.readInt32LE(ifindexAt);
  const attributes = attributesOf(message.subarray(linkAttributesAt));
  const changes = family === AF_BRIDGE ? vlansIn(attributes) : identityIn(attributes);
  for (const [what, value] of [...changes, ...settingsIn(attributes)])
    yield { ifindex, what, value, ...(what === masterWord ? { name: textOf(attributes.get(nameAttribute)) } : {}) };
}

function goneIn(message: Buffer): Reported {
  const attributes = attributesOf(message.subarray(linkAttributesAt));
  return {
    ifindex: message.readInt32LE(ifindexAt),
    what: masterWord,
    value: '',
    name: textOf(attributes.get(nameAttribute)),
  };
}

function isPort(attributes: Attributes): boolean {
  return textOf(attributesOf(attributes.get(link.info)).get(link.slaveKind)) === 'bridge';
}

/** `ip link` sets port settings in IFLA_LINKINFO, `bridge link` in IFLA_PROTINFO. */
function* settingsIn(attributes: Attributes): Generator<Setting> {
  const info = attributesOf(attributes.get(link.info));
  const isBridge = textOf(info.get(link.kind)) === 'bridge';
  for (const [known, nested] of [
    [ofBridge, isBridge ? info.get(link.data) : undefined],
    [ofPort, isPort(attributes) ? info.get(link.slaveData) : undefined],
    [ofPort, attributes.get(link.protinfo)],
  ] as const) {
    const values = attributesOf(nested);
    for (const [number, { key, ifAbsent }] of nested === undefined ? [] : known) {
      const value = values.get(number)?.toString('hex') ?? ifAbsent;
      if (value !== undefined) yield [key, value];
    }
  }
}

/**
 * Only complete messages have IFLA_MTU: wireless LAN drivers send others. A link on no bridge has no IFLA_MASTER
 * (rtnl_fill_ifinfo, net/core/rtnetlink.c).
 */
function* identityIn(attributes: Attributes): Generator<Setting> {
  if (!attributes.has(link.mtu)) return;
  for (const [number, what] of ofLink)
    if (what !== promiscuity || !isPort(attributes)) yield [what, attributes.get(number)?.toString('hex') ?? ''];
}

/**
 * A bridge's report of itself or a port has all its VLANs, no attribute if there are none (br_ifinfo_notify,
 * net/bridge/br_netlink.c). Drivers' own reports and connectivity faults put something else there.
 */
function* vlansIn(attributes: Attributes): Generator<Setting> {
  const vlans = attributes.get(link.ofFamily);
  if ([...attributesOf(vlans).keys()].every((number) => ofVlans.has(number)))
    yield [vlanList, vlans?.toString('hex') ?? ''];
}

/** Behind struct nlmsghdr and struct ndmsg (family, pads, ifindex, state, flags, type). */
function* staticEntryIn(message: Buffer, isThere: boolean): Generator<Reported> {
  if (message.length < neighbourAttributesAt || (message.readUInt16LE(stateAt) & neighbour.isStatic) === 0) return;
  const attributes = attributesOf(message.subarray(neighbourAttributesAt));
  if (!attributes.has(neighbour.master)) return; // the device's own address list, not a bridge's
  const mac =
    attributes
      .get(neighbour.lladdr)
      ?.toString('hex')
      .replaceAll(/(..)(?=.)/g, '$1:') ?? '';
  const vlan = attributes.get(neighbour.vlan)?.readUInt16LE(0);
  yield {
    ifindex: message.readInt32LE(ifindexAt),
    what: `the static entry of ${mac}${vlan === undefined ? '' : ` in VLAN ${vlan}`}`,
    value: String(isThere),
  };
}

type Attributes = ReadonlyMap<number, Buffer>;
const none: Attributes = new Map();

function attributesOf(bytes: Buffer | undefined): Attributes {
  return bytes === undefined ? none : netlinkAttributes(bytes);
}

function textOf(value: Buffer | undefined): string {
  return value === undefined ? '' : netlinkText(value);
}
