import { linkNamed } from '../host.js';
import { isOnPort } from '../../model/attach.js';
import { holdsPromiscuous, type PacketSocket, receives, type SocketProcess } from '../../model/packet-socket.js';
import { type HostState, type LinkState } from '../../model/state.js';
import { word } from '../../text/escape.js';
import { advice, execute, ownEntry } from '../changes.js';
import { isBridged, isUnicast, takesFloods } from '../row-context.js';
import { isSwitch, relayName } from '../bypass/packet-sockets.js';
import { takingUsual } from '../bypass/usual-forms.js';
import { stateAround } from '../states-by-host.js';
import { describeHolders, IFF_PROMISC, isPromiscuous, readFrom } from '../view.js';
import { isGroupMacText } from '../../wire/ethernet.js';
import type { Audited, BridgeRule, CauseFinder, Explained } from '../weakness.js';

export const socketPlace = 'packet socket on ';

declare module '../../model/codes.js' {
  interface Weaknesses {
    readonly 'behind-bridge': 'cause' | 'finding';
    readonly 'bridge-promiscuous': 'cause' | 'finding';
    readonly 'sniffer-on-host': 'cause' | 'finding';
  }
}

/** MACs behind the bridge device are never learned (br_dev_xmit). */
const findBehindBridge: CauseFinder = (leak) => {
  const { bridge, dstMac, entries, to } = leak;
  if (!isUnicast(leak) || entries.length > 0 || dstMac === bridge.mac || (to !== null && isOnPort(to.attach)))
    return null;
  if (!takesFloods(leak) || !isPromiscuous(bridge) || (to === null && leak.flow !== null)) return null;
  return {
    place: `${bridge.name}.promiscuity`,
    value: String(bridge.promiscuity ?? 1),
    text: `${to?.name ?? dstMac ?? ''} is behind ${bridge.name} itself, which learns nothing of it, whatever the ageing time: every frame to it floods`,
    fix: { changes: [ownEntry(dstMac ?? '', bridge.name)] },
  };
};

/** A macvlan's MAC is in the device's list (`self`), not the database (`master`). */
const behindBridgeRule: BridgeRule = ({ name, link, fdb, ports }, { state }) =>
  ports.length < 2
    ? []
    : state.fdb
        .filter(
          (entry) =>
            entry.port === name &&
            entry.master === null &&
            !isGroupMacText(entry.mac) &&
            entry.mac !== link.mac &&
            !fdb.some(({ mac }) => mac === entry.mac),
        )
        .map((entry) => ({
          severity: 'high',
          place: `${entry.mac} dev ${name} self`,
          value: entry.state,
          readFrom: readFrom.fdb,
          text: 'a device behind the bridge device (a macvlan) has this MAC and the database does not know it: every frame to it floods to all ports',
          probe: 'known-unicast',
          fix: { changes: [ownEntry(entry.mac, name)], also: ', or attach it by a port of its own' },
        }));

export const behindBridge: Explained & Audited = {
  meaning:
    'A guest is behind the bridge device, which never learns where it is: frames to it flood, for any ageing time.',
  cause: {
    phrase: ({ devices }) => `${devices} floods frames for the guest behind its own device`,
    cost: { price: 'upkeep', text: 'the entry has to follow the MAC of the guest behind the bridge' },
    find: findBehindBridge,
    isOfBridge: true,
  },
  finding: { onBridge: behindBridgeRule },
};

/** Sockets that make a device promiscuous, or may. */
export function holdingPromiscuous(ifindex: number, sockets: readonly PacketSocket[]): readonly PacketSocket[] {
  return sockets.filter((socket) => {
    const { own: isOwn, holders } = socket;
    const isOurs = isOwn || (holders.length > 0 && holders.every(({ name }) => name === relayName));
    return !isOurs && holdsPromiscuous(socket, ifindex);
  });
}

function holdersOf({ ifindex, name }: LinkState, { packetSockets, packetHandlers = [] }: HostState): readonly string[] {
  const sockets = holdingPromiscuous(ifindex, packetSockets ?? []);
  const processes = sockets.flatMap(({ holders }) => holders).filter((holder) => holder.name !== relayName);
  return [
    ...new Set([
      ...processes.map((holder) => `${holder.name} (pid ${holder.pid})`),
      ...packetHandlers.filter(({ device }) => device === name).map((handler) => handler.function),
    ]),
  ];
}

const portOfItsOwn = ['behind0', 'behind1'] as const;

const findBridgePromiscuous: CauseFinder = (leak) => {
  const cause = findBehindBridge(leak);
  if (cause === null) return null;
  const { name } = leak.bridge;
  const holders = holdersOf(leak.bridge, stateAround(name, leak.before).state);
  if (holders.length === 0) return null;
  const [port, end] = portOfItsOwn;
  return {
    ...cause,
    value: holders.join(', '),
    text: `${holders.join(', ')} holds ${name} promiscuous: ${cause.text}`,
    fix: {
      changes: [
        execute('ip', 'link', 'add', port, 'type', 'veth', 'peer', 'name', end),
        execute('ip', 'link', 'set', port, 'master', name, 'up'),
        execute('ip', 'link', 'set', end, 'up'),
      ],
      also: `, and bridge ${end} instead of ${word(name)} there, or flood off at each port (bridge link set dev PORT flood off)`,
    },
  };
};

/** A bridge rests at promiscuity 0. */
const bridgePromiscuousRule: BridgeRule = ({ name, link }, { packetSockets, promiscuousLog }) => {
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
      text: 'something bridges this bridge or listens on it: MACs behind the bridge device are never learned, so frames to them flood to all ports',
      probe: 'known-unicast',
      fix: advice(
        `flood off on the guests' ports (bridge link set dev PORT flood off); or bridge fdb add MAC dev ${word(name)} self permanent; or a port of its own for the guest behind it`,
      ),
    },
  ];
};

export const bridgePromiscuous: Explained & Audited = {
  meaning:
    'The bridge device is held promiscuous: by a sniffer on the host, or a hypervisor that bridges the bridge. Find the process.',
  cause: {
    phrase: ({ devices, value }) =>
      `${devices} is promiscuous, held by ${value}, and floods frames for guests behind it`,
    cost: { price: 'host', text: 'the guest behind the bridge moves to another device' },
    find: findBridgePromiscuous,
    isOfBridge: true,
  },
  finding: { onBridge: bridgePromiscuousRule },
};

/** ETH_P_ALL of linux/if_ether.h. */
export const everyFrame = '0003';

/** Promiscuous mode is not needed (packet(7)). The state excludes this program's sockets. */
const findSnifferOnHost: CauseFinder = (leak) => {
  const { before, bridge, fromPort, to } = leak;
  if (isBridged(leak) && leak.observer?.place === 'port') return null;
  const toPort = linkNamed(before, to?.port);
  const places = new Map(
    [bridge, fromPort, toPort].flatMap((link) =>
      link === null || link === undefined ? [] : [[link.ifindex, link.name] as const],
    ),
  );
  // Open vSwitch in user space takes every frame because it is the bridge
  const isOfSwitch = (holders: readonly SocketProcess[]): boolean =>
    holders.length > 0 && holders.every((holder) => isSwitch(holder, before));
  const [socket] = (before.packetSockets ?? []).filter(
    ({ ifindex, protocol, own: isOwn, holders }) =>
      !isOwn && !isOfSwitch(holders) && protocol === everyFrame && (ifindex === 0 || places.has(ifindex)),
  );
  if (socket === undefined) return null;
  const where = places.get(socket.ifindex) ?? 'every interface';
  const who =
    socket.holders.map(({ name, pid }) => `${name} (pid ${pid})`).join(', ') || 'a process that cannot be seen';
  return {
    place: `${socketPlace}${where}`,
    value: who,
    text: `${who} takes every frame at ${where}, and the bridge had no reason to hand these to ${leak.finding.observer}`,
    fix: null, // a run advises what can be typed; whose process it is, its text says
  };
};

/** No promiscuous mode or event is needed. DHCP clients take one protocol, or filter out probes. */
const snifferOnHostRule: BridgeRule = ({ link, ports }, { packetSockets, state }) => {
  const places = new Map([
    [0, 'every interface'],
    [link.ifindex, link.name],
    ...ports.map((port) => [port.link.ifindex, port.name] as const),
  ]);
  const sockets = (packetSockets ?? []).filter(
    ({ ifindex, protocol, own: isOwn }) => places.has(ifindex) && protocol === everyFrame && !isOwn,
  );
  return takingUsual(sockets, state).map((socket) => ({
    severity: 'high',
    place: `${socketPlace}${places.get(socket.ifindex) ?? ''}`,
    value: `held by ${describeHolders([socket])}`,
    readFrom: `${readFrom.packet}, /proc/*/fd`,
    text: 'a process on the host takes every frame there',
    probe: null,
    fix: advice('end the process where it should not listen'),
  }));
};

export const snifferOnHost: Explained & Audited = {
  meaning:
    'A process on the host receives every frame at the bridge or a guest’s port, and may hand them on. The message names it. Find out who runs it.',
  cause: {
    phrase: ({ value }) => `${value} on the host takes every frame, and may hand them on`,
    cost: null,
    find: findSnifferOnHost,
  },
  finding: { onBridge: snifferOnHostRule },
};
