import { netlinkAttributes, RTM_GETSTATS, RTM_NEWSTATS } from '../netlink-socket.js';
import type { NetlinkAsker } from './netlink-dump.js';

/** struct if_stats_msg of linux/if_link.h behind struct nlmsghdr: family, pads, ifindex, filter_mask. */
const requestLength = 12;
const inRequest = { ifindex: 4, mask: 8 } as const;
const at = { ifindex: 20, attributes: 28 } as const;
/** IFLA_STATS_LINK_64, and its mask. */
const linkCounters = 1;
const counterMask = 1;
/** struct rtnl_link_stats64: tx_packets, tx_dropped. */
const inCounters = { sent: 8, dropped: 56 } as const;
/** One by one is faster for fewer devices. */
const minDump = 8;

/** Frames sent, or dropped by the driver, since the device was made. */
export interface LinkCounters {
  readonly sent: number;
  readonly dropped: number;
}

/**
 * Counters by index in the asker's namespace, many in one dump (RTM_GETSTATS, Linux 4.7), without gone devices; null =
 * not reported.
 */
export function linkCountersOf(
  asker: NetlinkAsker,
  wanted: readonly number[],
): ReadonlyMap<number, LinkCounters> | null {
  const answers =
    wanted.length >= minDump
      ? asker.ask(RTM_GETSTATS, request(0), 'dump')
      : wanted.flatMap((index) => asker.ask(RTM_GETSTATS, request(index), 'one') ?? []);
  if (answers === null) return null;
  const found = new Map<number, LinkCounters>();
  for (const { type, bytes } of answers) {
    if (type !== RTM_NEWSTATS) continue;
    const counters = netlinkAttributes(bytes.subarray(at.attributes)).get(linkCounters);
    if (counters === undefined || counters.length < inCounters.dropped + 8) continue;
    found.set(bytes.readInt32LE(at.ifindex), {
      sent: Number(counters.readBigUInt64LE(inCounters.sent)),
      dropped: Number(counters.readBigUInt64LE(inCounters.dropped)),
    });
  }
  return found;
}

function request(ifindex: number): Uint8Array {
  const body = new Uint8Array(requestLength);
  const view = new DataView(body.buffer);
  view.setInt32(inRequest.ifindex, ifindex, true);
  view.setUint32(inRequest.mask, counterMask, true);
  return body;
}
