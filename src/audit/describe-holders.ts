import type { PacketSocket } from '../model/packet-socket.js';

/** Who holds sockets: `tcpdump (812)`; says so where nobody does or nobody could be seen. */
export function describeHolders(sockets: readonly PacketSocket[] | null): string {
  if (sockets === null) return 'nobody knows (packet sockets could not be read)';
  if (sockets.length === 0) return 'no packet socket: another bridge, a macvlan, or a user (ip link set promisc on)';
  const names = sockets.flatMap((socket) => socket.holders.map(({ pid, name }) => `${name} (${pid})`));
  return names.length === 0 ? 'a process that is not visible from here' : [...new Set(names)].sort().join(', ');
}
