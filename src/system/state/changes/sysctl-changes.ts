import type { LinkState } from '../../../core/model/state.js';
import { netlinkAttributes } from '../../kernel/netlink-socket.js';
import { readSysctl } from '../../kernel/sysctl.js';
import { readPrograms } from '../read-programs.js';
import { parsePacketSockets, readPacketTable } from '../read-packet-sockets.js';
import { readVmnet } from '../read-vmnet.js';
import { alwaysRead, forwardingSysctls } from '../read.js';

/** RTNLGRP_IPV4_NETCONF and RTNLGRP_IPV6_NETCONF of linux/rtnetlink.h. */
export const netconfGroups = [24, 25] as const;
const AF_INET = 2;
/** Behind struct nlmsghdr and struct netconfmsg, which is the family. */
const attributesAt = 20;

/** NETCONFA_IFINDEX of linux/netconf.h, and its value for the two sets of no device. */
const ifindexAttribute = 1;
const sets: ReadonlyMap<number, string> = new Map([
  [-1, 'all'],
  [-2, 'default'],
]);
/** NETCONFA_FORWARDING, _RP_FILTER, _MC_FORWARDING, _PROXY_NEIGH, _IGNORE_ROUTES_WITH_LINKDOWN, _BC_FORWARDING. */
const ofIpv4: ReadonlyMap<number, string> = new Map([
  [2, 'forwarding'],
  [3, 'rp_filter'],
  [4, 'mc_forwarding'],
  [5, 'proxy_arp'],
  [6, 'ignore_routes_with_linkdown'],
  [8, 'bc_forwarding'],
]);
const ofIpv6: ReadonlyMap<number, string> = new Map([
  [2, 'forwarding'],
  [4, 'mc_forwarding'],
  [5, 'proxy_ndp'],
  [6, 'ignore_routes_with_linkdown'],
]);
/** Two names of one switch (devinet_sysctl_init of net/ipv4/devinet.c); the state reads this one. */
const usualName: ReadonlyMap<string, string> = new Map([['net.ipv4.conf.all.forwarding', 'net.ipv4.ip_forward']]);

/**
 * Sysctls of a whole network namespace in a message of RTM_NEWNETCONF, with new values; the kernel sends it only for a
 * changed value (devinet_conf_proc of net/ipv4/devinet.c, addrconf_fixup_forwarding of net/ipv6/addrconf.c). Leaves out
 * single devices'.
 */
export function* sysctlChangesIn(
  message: Buffer,
  family: number,
): Generator<{ readonly name: string; readonly value: string }> {
  const attributes = netlinkAttributes(message.subarray(attributesAt));
  const set = sets.get(attributes.get(ifindexAttribute)?.readInt32LE(0) ?? 0);
  if (set === undefined) return;
  const [protocol, names] = family === AF_INET ? (['ipv4', ofIpv4] as const) : (['ipv6', ofIpv6] as const);
  for (const [number, value] of attributes) {
    const key = names.get(number);
    if (key === undefined) continue;
    const name = `net.${protocol}.conf.${set}.${key}`;
    yield { name: usualName.get(name) ?? name, value: value.toString('hex') };
  }
}

/**
 * State without events, as a text to compare: sysctls, packet sockets, tcx and netkit programs, VMware's devices.
 * `links`: of the last snapshot.
 */
export function silentState(netns: string | null, links: readonly LinkState[]): string {
  const sockets = parsePacketSockets(readPacketTable(netns) ?? '')
    .map(({ inode, ifindex, protocol }) => `${inode} ${ifindex} ${protocol}`)
    .sort();
  const programs = readPrograms(
    netns,
    links.filter(({ bridge, master }) => bridge !== null || master !== null),
  );
  return JSON.stringify([sockets, readSysctl(netns, [...alwaysRead, ...forwardingSysctls]), readVmnet(), programs]);
}
