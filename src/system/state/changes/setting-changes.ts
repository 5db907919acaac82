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
 * RTNLGRP_LINK, _NEIGH, _IPV4_RULE and _IPV6_RULE of linux/rtnetlink.h, and those of sysctls: what floods the one must
 * not displace what is reported by the other.
 */
const neighbourGroup = 3;
const groups = [1, neighbourGroup, 8, 19, ...netconfGroups].map((group) => ({ family: NETLINK_ROUTE, group }) as const);
/** RTNLGRP_IPV4_ROUTE, _IPV6_ROUTE and _NEXTHOP, and XFRMNLGRP_POLICY of linux/xfrm.h. */
const groupsOfRoutes = [
  ...[7, 11, 32].map((group) => ({ family: NETLINK_ROUTE, group }) as const),
  { family: NETLINK_XFRM, group: 4 } as const,
];
/** Behind struct nlmsghdr. */
const bodyAt = 16;
/** In struct rtmsg, behind struct nlmsghdr, and behind it; RTM_F_CLONED, and RTA_DST of linux/rtnetlink.h. */
const route = { lengthAt: 17, flagsAt: 24, attributesAt: 28, isCloned: 0x200, destination: 1 } as const;
const [AF_INET, AF_INET6] = [2, 10] as const;
const AF_BRIDGE = 7;
/** Bytes that the kernel keeps of each until they are taken. */
const buffer = 1024 * 1024;

/** Attributes of linux/if_link.h: IFLA_BR_… and IFLA_BRPORT_…, by the key that `ip -j -d link` prints. */
const ofBridge = attributesByNumber('bridge');
const ofPort = attributesByNumber('port');
/** IFLA_IFNAME. */
const nameAttribute = 3;
const masterWord = 'master';
/** Of a port it says nothing: a bridge has its ports take everything (br_manage_promisc, net/bridge/br_if.c). */
const promiscuity = 'promiscuity';
/** IFLA_ADDRESS, _MTU, _MASTER, _PROMISCUITY, _CARRIER and _XDP, by the words of the judge. */
const ofLink: ReadonlyMap<number, string> = new Map([
  [1, 'MAC'],
  [4, 'MTU'],
  [10, masterWord],
  [30, promiscuity],
  [33, 'carrier'],
  [43, 'XDP program'],
]);
/** IFLA_MTU, _PROTINFO, _LINKINFO and _AF_SPEC; in the third IFLA_INFO_KIND, _DATA, _SLAVE_KIND and _SLAVE_DATA. */
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
   * What was changed more than once since it was opened or last asked: each in the end may be as it was. What the host
   * routes by is there at any change: a device that goes takes its routes along without a word.
   */
  take(): readonly SettingChange[];
  /** What cannot be listened to, and why: what is changed there and put back is heard by nobody. */
  unheard(): readonly string[];
  close(): void;
}

/**
 * Hears settings and VLANs of Linux bridges and their ports, and sysctls, change in a network namespace, static
 * entries, rules of policy routing, routes, nexthop objects and policies of IPsec come and go. Each change of a device
 * is an event that reports all its settings, so one that was changed and put back was reported with two values. What
 * comes faster than the kernel keeps it is not heard. `routes`: whether routes, nexthop objects and policies of IPsec
 * are listened to, of which a router has many that are nobody's affair where guests are on a bridge.
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

/** What asks for the links of a kind: struct ifinfomsg, and IFLA_INFO_KIND within IFLA_LINKINFO. */
const bridgesOnly = Buffer.concat([
  Buffer.alloc(linkAttributesAt - bodyAt),
  Buffer.from([16, 0, link.info, 0, 11, 0, link.kind, 0]),
  Buffer.from('bridge\0\0'),
]);

/**
 * By number, the promiscuity of the bridges of this thread's namespace: that one is given up is no event where a device
 * on it goes down (__dev_set_rx_mode, net/core/dev.c), so that what is reported may be one value alone.
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

/** The bridges that a link was instructed to be a port of, by their numbers. */
function mastersOf({ what }: SettingChange, values: ReadonlySet<string>): Pick<SettingChange, 'masters'> {
  if (what !== masterWord) return {};
  return {
    masters: [...values].filter((value) => value !== '').map((value) => Buffer.from(value, 'hex').readUInt32LE(0)),
  };
}

interface HeardSocket {
  readonly fd: number;
  readonly family: typeof NETLINK_ROUTE | typeof NETLINK_XFRM;
  /** Of neighbours more may come than is kept where MACs are swept; of what else is heard it must not. */
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

/** What messages of rtnetlink(7) report, by their type. */
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

/** A route by where it leads; what the kernel found for a packet and put aside is none of its table. */
function* routeIn(message: Buffer, family: number, type: number): Generator<Reported> {
  if ((message.readUInt32LE(route.flagsAt) & route.isCloned) !== 0) return;
  const destination = attributesOf(message.subarray(route.attributesAt)).get(route.destination);
  const isIpv4 = family === AF_INET;
  if (!isIpv4 && family !== AF_INET6) return;
  const address = destination ?? Buffer.alloc(isIpv4 ? 4 : 16);
  const text = isIpv4 ? ipv4Text(address, 0) : ipv6Text(address, 0);
  yield changeOf(`${routesTo}${text}/${message.readUInt8(route.lengthAt)}`, type, message);
}

/** A setting by its name, with its value as hexadecimal bytes. */
type Setting = readonly [what: string, value: string];

/** Behind struct nlmsghdr and struct ifinfomsg. */
function* linkIn(message: Buffer, family: number): Generator<Reported> {
  const ifindex = message.readInt32LE(ifindexAt);
  const attributes = attributesOf(message.subarray(linkAttributesAt));
  const changes = family === AF_BRIDGE ? vlansIn(attributes) : identityIn(attributes);
  for (const [what, value] of [...changes, ...settingsIn(attributes)])
    yield { ifindex, what, value, ...(what === masterWord ? { name: textOf(attributes.get(nameAttribute)) } : {}) };
}

/** A link that is gone is not a port any more, whether or not that was reported before. */
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

/** Port settings come within IFLA_LINKINFO from `ip link`, within IFLA_PROTINFO from `bridge link`. */
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
 * What a link is, where the message is whole: drivers of wireless LAN report something without it. A link of no bridge
 * has no IFLA_MASTER (rtnl_fill_ifinfo, net/core/rtnetlink.c).
 */
function* identityIn(attributes: Attributes): Generator<Setting> {
  if (!attributes.has(link.mtu)) return;
  for (const [number, what] of ofLink)
    if (what !== promiscuity || !isPort(attributes)) yield [what, attributes.get(number)?.toString('hex') ?? ''];
}

/**
 * What the bridge reports of itself or of a port carries all its VLANs, no attribute where there are none
 * (br_ifinfo_notify, net/bridge/br_netlink.c). Drivers that report themselves, and connectivity faults, put something
 * else there.
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
  if (!attributes.has(neighbour.master)) return; // the device's own list of addresses, which is not a bridge's
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
