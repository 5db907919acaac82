import { advice, ownEntry } from '../../bridge/changes.js';
import { describeHolders, isGroup, readFrom } from '../../bridge/view.js';
import { receives } from '../../model/state.js';
import { word } from '../../text/escape.js';
import type { BridgeRule } from '../rule.js';

/**
 * A MAC in the bridge device's address list (`self`) that the database does not have (`master`): macvlan on the bridge
 * leaves one.
 */
export const behindBridgeRule: BridgeRule = ({ name, link, fdb, ports }, { state }) =>
  ports.length < 2
    ? []
    : state.fdb
        .filter(
          (entry) =>
            entry.port === name &&
            entry.master === null &&
            !isGroup(entry.mac) &&
            entry.mac !== link.mac &&
            !fdb.some(({ mac }) => mac === entry.mac),
        )
        .map((entry) => ({
          severity: 'high',
          place: `${entry.mac} dev ${name} self`,
          value: entry.state,
          readFrom: readFrom.fdb,
          text: 'somebody behind the bridge device (a macvlan) has this MAC and the database does not know it: every frame to it floods to all ports',
          probe: 'known-unicast',
          fix: { changes: [ownEntry(entry.mac, name)], also: ', or attach it by a port of its own' },
        }));

const IFF_PROMISC = 0x100;

/**
 * A bridge device rests at promiscuity 0. Something that bridges the bridge raises it, as VMware does, or a sniffer on
 * it.
 */
export const bridgePromiscuousRule: BridgeRule = ({ name, link }, { packetSockets, promiscuousLog }) => {
  const flagged = link.sysFlags !== null ? (link.sysFlags & IFF_PROMISC) !== 0 : link.flags.includes('PROMISC');
  if (!flagged && !((link.promiscuity ?? 0) > 0)) return [];
  const flags = link.sysFlags === null ? link.flags.join(',') : `0x${link.sysFlags.toString(16)}`;
  const holders = (packetSockets ?? []).filter((socket) => socket.ifindex === link.ifindex && receives(socket));
  const logged = promiscuousLog?.[name];
  return [
    {
      severity: 'high',
      place: name,
      value: `promiscuity ${link.promiscuity ?? 'unknown'}, flags ${flags}, held by ${describeHolders(packetSockets === null ? null : holders)}${logged === undefined ? '' : `, kernel log: ${logged}`}`,
      readFrom: `${readFrom.link}, /sys/class/net/${name}/flags, ${readFrom.packet}`,
      text: 'something bridges this bridge or listens on it: what is behind the bridge device is never learned, so every frame to it floods to all ports',
      probe: 'known-unicast',
      fix: advice(
        `flood off on the guests' ports (bridge link set dev PORT flood off), or bridge fdb add MAC dev ${word(name)} self permanent, or attach what is behind it by a port of its own`,
      ),
    },
  ];
};

/** ETH_P_ALL of linux/if_ether.h. */
export const everyFrame = '0003';

/**
 * A packet socket for every frame on the bridge, a port, or everything; needs no promiscuous mode and raises no event.
 * DHCP clients and the like take one protocol only.
 */
export const snifferOnHostRule: BridgeRule = ({ link, ports }, { packetSockets }) => {
  const places = new Map([
    [0, 'every interface'],
    [link.ifindex, link.name],
    ...ports.map((port) => [port.link.ifindex, port.name] as const),
  ]);
  return (packetSockets ?? [])
    .filter((socket) => places.has(socket.ifindex) && socket.protocol === everyFrame && !socket.own)
    .map((socket) => ({
      severity: 'high',
      place: `packet socket on ${places.get(socket.ifindex) ?? ''}`,
      value: `held by ${describeHolders([socket])}`,
      readFrom: `${readFrom.packet}, /proc/*/fd`,
      text: 'a process on the host takes every frame there',
      probe: null,
      fix: advice('end the process where it should not listen'),
    }));
};
