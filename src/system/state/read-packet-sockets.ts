import { readFileSync } from 'node:fs';
import type { PacketSocket } from '../../core/model/state.js';
import { inNamespace } from '../kernel/namespaces.js';
import { packetSocketFilters, type SocketFilter } from '../kernel/ask/packet-diag.js';
import { type SocketHolder, socketHolders } from '../process/socket-holders.js';
import { helperPath } from '../process/helper-command.js';

/**
 * The lines of /proc/net/packet (net/packet/af_packet.c, packet_seq_show): sk RefCnt Type Proto Iface R Rmem User
 * Inode.
 */
export function parsePacketSockets(
  text: string,
): readonly Omit<PacketSocket, 'holders' | 'own' | 'filter' | 'cooked'>[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, , , protocol, ifindex, , , , inode] = line.trim().split(/\s+/);
      return protocol === undefined || ifindex === undefined || inode === undefined
        ? []
        : [{ inode, ifindex: Number(ifindex), protocol: protocol.toLowerCase() }];
    });
}

/** The text of /proc/net/packet in a namespace; null where it cannot be read. */
export function readPacketTable(netns: string | null): string | null {
  try {
    return inNamespace(netns, () => readFileSync('/proc/thread-self/net/packet', 'utf8'));
  } catch {
    return null;
  }
}

/**
 * Packet sockets of a namespace with the processes that hold them. Processes of other users show only to root
 * (ptrace(2), "ptrace access mode checking"); one that ends meanwhile is left out.
 */
export function readPacketSockets(netns: string | null): readonly PacketSocket[] | null {
  const table = readPacketTable(netns);
  if (table === null) return null;
  const sockets = parsePacketSockets(table);
  if (sockets.length === 0) return [];
  const holders = socketHolders(new Set(sockets.map(({ inode }) => inode)));
  const filters = inNamespace(netns, packetSocketFilters);
  return sockets.map((socket) => {
    const found = (holders.get(socket.inode) ?? []).map(describe);
    return {
      ...socket,
      holders: found.map(({ pid, name }) => ({ pid, name })),
      own: found.length > 0 && found.every(({ own }) => own),
      ...filterOf(filters?.get(socket.inode)),
    };
  });
}

function filterOf(reported: SocketFilter | undefined): Pick<PacketSocket, 'filter' | 'cooked'> {
  return reported === undefined ? {} : { filter: reported.filter, ...(reported.cooked ? { cooked: true } : {}) };
}

interface Holder {
  readonly pid: number;
  readonly name: string;
  readonly own: boolean;
}

/** Helpers that capture and send are this program's own and known; a relay is something that bridges the bridge. */
function describe({ pid, argv, comm }: SocketHolder): Holder {
  const at = argv.indexOf(helperPath);
  const role = at < 0 ? null : (argv[at + 1] ?? '');
  return { pid, name: role === null ? comm : `verify-isolation ${role}`, own: role === 'capture' || role === 'send' };
}
