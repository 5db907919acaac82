import { type NetlinkAsker, openNetlinkAsker } from './netlink-dump.js';
import { NETLINK_ROUTE } from '../netlink-socket.js';
import { linkIndex } from '../packet-socket.js';

const RTM_NEWTFILTER = 44;
const RTM_GETTFILTER = 46;
const RTM_NEWTCLASS = 40;
const RTM_GETTCLASS = 42;
/** struct tcmsg of linux/rtnetlink.h: family, pads, ifindex, handle, parent, info; and behind struct nlmsghdr. */
const messageLength = 20;
const ofMessage = { ifindex: 4, parent: 12 } as const;
const headerLength = 16;
const handleAt = headerLength + 8;

function request(ifindex: number, parent: number): Uint8Array {
  const body = new Uint8Array(messageLength);
  const view = new DataView(body.buffer);
  view.setInt32(ofMessage.ifindex, ifindex, true);
  view.setUint32(ofMessage.parent, parent, true);
  return body;
}

/** What can be asked of tc's rules in the namespace in which it was opened. */
export interface FilterFinder {
  /** null = there is no such device. */
  indexOf(device: string): number | null;
  /** Do filters hang on that discipline or class of the device? null = the kernel does not report. */
  hasFilters(ifindex: number, parent: number): boolean | null;
  /** Numbers of the classes of a device's disciplines. */
  classesOf(ifindex: number): readonly number[];
  close(): void;
}

/** Opens it in the calling thread's network namespace; null = this kernel has no such socket. */
export function openFilterFinder(): FilterFinder | null {
  const asker: NetlinkAsker | null = openNetlinkAsker(NETLINK_ROUTE);
  if (asker === null) return null;
  return {
    indexOf: (device) => linkIndex(asker.fd, device),
    hasFilters(ifindex, parent) {
      const answers = asker.ask(RTM_GETTFILTER, request(ifindex, parent), 'dump');
      return answers === null ? null : answers.some(({ type }) => type === RTM_NEWTFILTER);
    },
    classesOf(ifindex) {
      const answers = asker.ask(RTM_GETTCLASS, request(ifindex, 0), 'dump') ?? [];
      return answers.flatMap(({ type, bytes }) => (type === RTM_NEWTCLASS ? [bytes.readUInt32LE(handleAt)] : []));
    },
    close: () => asker.close(),
  };
}
