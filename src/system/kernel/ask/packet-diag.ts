import { openNetlinkAsker } from './netlink-dump.js';
import { NETLINK_SOCK_DIAG, netlinkAttributes } from '../netlink-socket.js';
import { AF_PACKET } from '../socket-constants.js';

const SOCK_DIAG_BY_FAMILY = 20;
/** PACKET_SHOW_FILTER of linux/packet_diag.h, and PACKET_DIAG_FILTER. */
const showFilter = 0x20;
const filterAttribute = 7;
const requestLength = 20;
const showAt = 8;
/** struct packet_diag_msg behind struct nlmsghdr: family, type, protocol, inode, cookie. */
const typeAt = 17;
const inodeAt = 20;
const attributesAt = 32;
const SOCK_DGRAM = 2;

/** What a packet socket's filter is. */
export interface SocketFilter {
  /** Classic BPF, 8 bytes an instruction, hex; null = it has none, or one that the kernel does not report (eBPF). */
  readonly filter: string | null;
  /** Without the Ethernet header: the filter too sees frames from their network header on (packet(7)). */
  readonly cooked: boolean;
}

/**
 * Filters of the packet sockets of the calling thread's network namespace, by inode (sock_diag(7), packet_diag); null =
 * the kernel does not report, for it has no such module, or this user may not know.
 */
export function packetSocketFilters(): ReadonlyMap<string, SocketFilter> | null {
  const asker = openNetlinkAsker(NETLINK_SOCK_DIAG);
  if (asker === null) return null;
  try {
    const request = new Uint8Array(requestLength);
    request[0] = AF_PACKET;
    new DataView(request.buffer).setUint32(showAt, showFilter, true);
    const answers = asker.ask(SOCK_DIAG_BY_FAMILY, request, 'dump');
    if (answers === null) return null;
    return new Map(
      answers.map(({ bytes }) => {
        const program = netlinkAttributes(bytes.subarray(attributesAt)).get(filterAttribute);
        const filter = program === undefined || program.length === 0 ? null : program.toString('hex');
        return [String(bytes.readUInt32LE(inodeAt)), { filter, cooked: bytes.readUInt8(typeAt) === SOCK_DGRAM }];
      }),
    );
  } finally {
    asker.close();
  }
}
