import type { BridgeRule } from '../../core/audit/rule.js';
import { receives } from '../../model/packet-socket.js';
import { readFrom } from '../bridge-view.js';
import { describeHolders } from '../describe-holders.js';
import { word } from '../shell-word.js';

const IFF_PROMISC = 0x100;

/**
 * A bridge device rests at promiscuity 0. Something that bridges the bridge raises it, as VMware does, or a sniffer on
 * it.
 */
export const bridgePromiscuous: BridgeRule = ({ name, link }, { packetSockets, promiscuousLog }) => {
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
      fix: `flood off on the guests' ports (bridge link set dev PORT flood off), or bridge fdb add MAC dev ${word(name)} self permanent, or attach what is behind it by a port of its own`,
    },
  ];
};
