import { type NetlinkAsker, openNetlinkAsker } from './netlink-dump.js';
import {
  NETLINK_ROUTE,
  netlinkAttributes,
  netlinkText,
  RTM_GETQDISC,
  RTM_GETTCLASS,
  RTM_GETTFILTER,
  RTM_NEWQDISC,
  RTM_NEWTCLASS,
  RTM_NEWTFILTER,
} from '../netlink-socket.js';
import { linkIndex } from '../packet-socket.js';

/** struct tcmsg of linux/rtnetlink.h behind struct nlmsghdr: family, pads, ifindex, handle, parent, info. */
const messageLength = 20;
const ofMessage = { ifindex: 4, parent: 12 } as const;
const headerLength = 16;
const handleAt = headerLength + 8;

const indexAt = headerLength + ofMessage.ifindex;
const attributesAt = headerLength + messageLength;
/** TCA_KIND, TCA_STATS2, TCA_STATS_QUEUE. struct gnet_stats_queue begins with qlen. */
const attribute = { kind: 1, statistics: 7, queue: 3 } as const;

/** Answer of a kernel without filters or disciplines. */
const EOPNOTSUPP = 95;

/** Frames waiting in a queueing discipline. */
export interface WaitingFrames {
  readonly ifindex: number;
  /** `htb`, `netem`, as in tc(8). */
  readonly discipline: string;
  readonly frames: number;
}

/** The calling thread's disciplines with waiting frames. null = not reported. */
export function waitingFrames(): readonly WaitingFrames[] | null {
  const asker = openNetlinkAsker(NETLINK_ROUTE);
  if (asker === null) return null;
  const answers = asker.ask(RTM_GETQDISC, request(0, 0), 'dump', [EOPNOTSUPP]);
  asker.close();
  return (
    answers?.flatMap(({ type, bytes }) => {
      const attributes = netlinkAttributes(bytes.subarray(attributesAt));
      const queue = netlinkAttributes(attributes.get(attribute.statistics) ?? Buffer.alloc(0)).get(attribute.queue);
      const frames = queue === undefined || queue.length < 4 ? 0 : queue.readUInt32LE(0);
      return type !== RTM_NEWQDISC || frames === 0
        ? []
        : [
            {
              ifindex: bytes.readInt32LE(indexAt),
              discipline: netlinkText(attributes.get(attribute.kind) ?? Buffer.alloc(0)),
              frames,
            },
          ];
    }) ?? null
  );
}

function request(ifindex: number, parent: number): Uint8Array {
  const body = new Uint8Array(messageLength);
  const view = new DataView(body.buffer);
  view.setInt32(ofMessage.ifindex, ifindex, true);
  view.setUint32(ofMessage.parent, parent, true);
  return body;
}

/** Asks about tc's rules in the namespace it was opened in. */
export interface FilterFinder {
  indexOf(device: string): number | null;
  /** `parent`: a discipline or class. null = not reported. */
  hasFilters(ifindex: number, parent: number): boolean | null;
  classesOf(ifindex: number): readonly number[] | null;
  close(): void;
}

/** In the calling thread's network namespace; null = no such socket. */
export function openFilterFinder(): FilterFinder | null {
  const asker: NetlinkAsker | null = openNetlinkAsker(NETLINK_ROUTE);
  if (asker === null) return null;
  return {
    indexOf: (device) => linkIndex(asker.fd, device),
    hasFilters(ifindex, parent) {
      const answers = asker.ask(RTM_GETTFILTER, request(ifindex, parent), 'dump', [EOPNOTSUPP]);
      return answers === null ? null : answers.some(({ type }) => type === RTM_NEWTFILTER);
    },
    classesOf(ifindex) {
      const answers = asker.ask(RTM_GETTCLASS, request(ifindex, 0), 'dump', [EOPNOTSUPP]);
      return (
        answers?.flatMap(({ type, bytes }) => (type === RTM_NEWTCLASS ? [bytes.readUInt32LE(handleAt)] : [])) ?? null
      );
    },
    close: () => asker.close(),
  };
}
