import { type CauseFinder, isOn, isUnicast } from '../../core/judge/explain/causes/leak.js';

/** ETH_P_ALL of linux/if_ether.h: the socket takes every frame. */
const everyFrame = '0003';

/**
 * A process of the host takes every frame where these passed, and the bridge had no reason to hand them to the
 * observer: the process may have. Needs no promiscuous mode (packet(7)); this program's own sockets are not in the
 * state.
 */
export const snifferOnHost: CauseFinder = (leak) => {
  const { before, bridge, fromPort, to, entries, port } = leak;
  const bridgeDid =
    !isUnicast(leak) ||
    (port !== null &&
      (entries.length === 0 || entries.some((entry) => entry.port === port.name)) &&
      isOn(port.port?.['flood']));
  if (bridgeDid && leak.observer?.place === 'port') return null;
  const toPort = before.links.find((link) => link.name === to?.port);
  const places = new Map(
    [bridge, fromPort, toPort].flatMap((link) =>
      link === null || link === undefined ? [] : [[link.ifindex, link.name] as const],
    ),
  );
  // Open vSwitch in user space takes every frame because it is the bridge
  const isSwitch = (holders: readonly { readonly name: string }[]): boolean =>
    before.ovs !== undefined && holders.length > 0 && holders.every(({ name }) => name === 'ovs-vswitchd');
  const [socket] = (before.packetSockets ?? []).filter(
    ({ ifindex, protocol, own, holders }) =>
      !own && !isSwitch(holders) && protocol === everyFrame && (ifindex === 0 || places.has(ifindex)),
  );
  if (socket === undefined) return null;
  const where = places.get(socket.ifindex) ?? 'every interface';
  const who =
    socket.holders.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ') || 'a process that cannot be seen';
  return {
    place: `packet socket on ${where}`,
    value: who,
    text: `${who} takes every frame at ${where}, and the bridge had no reason to hand these to ${leak.finding.observer}`,
    fix: '',
  };
};
