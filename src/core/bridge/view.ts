import { entriesIn, entriesOn, linkNamed, portsOf, portVlans, type PortVlans } from './host.js';
import type { Endpoint, Mac, Settings } from '../model/scenario.js';
import type { PacketSocket } from '../model/packet-socket.js';
import type { FdbState, HostState, LinkState, SenderBehind, Snapshot } from '../model/state.js';
import type { BridgeKey, PortKey } from './attributes.js';
import { isGroupMacText } from '../wire/ethernet.js';
import { isOn } from './setting-value.js';

export interface PortView {
  readonly name: string;
  readonly link: LinkState;
  readonly settings: Settings;
  /** `uplink`: a NIC, a bond or a VLAN of one. Others may have guests. */
  readonly role: 'guest' | 'uplink';
}

export interface BridgeView {
  readonly name: string;
  readonly link: LinkState;
  readonly settings: Settings;
  readonly ports: readonly PortView[];
  readonly guests: readonly PortView[];
  readonly fdb: readonly FdbState[];
  readonly devices: ReadonlySet<string>;
  /** null = not reported. */
  readonly vlansOf: (port: string) => PortVlans | null;
}

/** Kinds that carry Ethernet to another machine (ip-link(8)). */
export const tunnelKinds: readonly (string | null)[] = [
  'bareudp',
  'batadv',
  'erspan',
  'geneve',
  'gretap',
  'ip6erspan',
  'ip6gretap',
  'l2tpeth',
  'vxlan',
];

/** A NIC has no kind. */
const nicKinds: readonly (string | null)[] = [null, 'bond', 'dsa', 'hsr', 'macsec', 'team', 'vlan'];

export function isOutward({ kind }: Pick<LinkState, 'kind'>): boolean {
  return nicKinds.includes(kind) || tunnelKinds.includes(kind);
}

/** netdevice(7). */
export const IFF_PROMISC = 0x100;

export function isPromiscuous({ sysFlags, promiscuity }: Pick<LinkState, 'sysFlags' | 'promiscuity'>): boolean {
  return ((sysFlags ?? 0) & IFF_PROMISC) !== 0 || (promiscuity ?? 0) > 0;
}

/**
 * Senders behind bridge devices that no device or entry explains. A macvlan leaves an entry (`self`), a guest on a port
 * is learned. `others`: more known MACs.
 */
export function strangersBehind(
  { links, fdb }: Pick<HostState, 'links' | 'fdb'>,
  senders: readonly SenderBehind[],
  others: Iterable<Mac> = [],
): readonly SenderBehind[] {
  const known = new Set([...links.map(({ mac }) => mac), ...fdb.map(({ mac }) => mac), ...others]);
  return senders.filter(({ mac }) => !known.has(mac));
}

/** Learned entries at their limit (`fdb_max_learned`, Linux 6.7). null = there is room. */
export function fullTable(bridge: LinkState | undefined): { readonly learned: number; readonly limit: number } | null {
  const limit = Number(bridge?.bridge?.['fdb_max_learned'] ?? 0);
  const learned = Number(bridge?.bridge?.['fdb_n_learned'] ?? 0);
  return limit > 0 && learned >= limit ? { learned, limit } : null;
}

/** True if the port learns no further MAC: learning is off, or its bridge's table is full. */
export function isDeafToSources(link: LinkState | undefined, state: Pick<HostState, 'links'>): boolean {
  return link?.port?.['learning'] === false || fullTable(linkNamed(state, link?.master)) !== null;
}

/** Every Linux bridge. `roles` overrides by port. */
export function bridgeViews(
  snapshot: Snapshot,
  roles: Readonly<Record<string, 'guest' | 'uplink'>> = {},
): readonly BridgeView[] {
  const { state } = snapshot;
  return state.links
    .filter((link) => link.kind === 'bridge')
    .map((link) => {
      const ports = portsOf(state, link.name).map(
        (port): PortView => ({
          name: port.name,
          link: port,
          settings: port.port ?? {},
          role: roles[port.name] ?? (isOutward(port) ? 'uplink' : 'guest'),
        }),
      );
      return {
        name: link.name,
        link,
        settings: link.bridge ?? {},
        ports,
        guests: ports.filter((port) => port.role === 'guest'),
        fdb: entriesIn(state, link.name),
        devices: new Set([link.name, ...ports.map((port) => port.name)]),
        vlansOf: (port: string) => portVlans(state, port),
      };
    });
}

export const readFrom = {
  link: 'ip -d link',
  fdb: 'bridge fdb',
  mdb: 'bridge -d mdb',
  tc: 'tc filter',
  nft: 'nft list ruleset',
  packet: '/proc/net/packet',
} as const;

/** Bridges print 0 and 1, ports true and false. null = not reported. */
export function isSettingOn(settings: Settings, key: BridgeKey | PortKey): boolean | null {
  const value = settings[key];
  return value === undefined ? null : isOn(value);
}

/** True if br_netfilter hands bridged frames to that family. */
export function isHandedOver(
  table: 'iptables' | 'ip6tables' | 'arptables',
  settings: Settings,
  sysctl: HostState['sysctl'],
): boolean {
  return sysctl[`net.bridge.bridge-nf-call-${table}`] === '1' || isSettingOn(settings, `nf_call_${table}`) === true;
}

/** The same of IPv4 or IPv6. */
export function isIpHandedOver(sysctl: HostState['sysctl'], settings: Settings = {}): boolean {
  return isHandedOver('iptables', settings, sysctl) || isHandedOver('ip6tables', settings, sysctl);
}

export function stateAlone(state: HostState): Snapshot {
  return { state, packetSockets: null, promiscuousLog: null, vmnet: [], ovs: null };
}

/** Holders of sockets: `tcpdump (812)`, or that none was visible. */
export function describeHolders(sockets: readonly PacketSocket[] | null): string {
  if (sockets === null) return 'nobody knows (packet sockets could not be read)';
  if (sockets.length === 0) return 'no packet socket: another bridge, a macvlan, or a user (ip link set promisc on)';
  const names = sockets.flatMap((socket) => socket.holders.map(({ pid, name }) => `${name} (${pid})`));
  return names.length === 0 ? 'a process that is not visible from here' : [...new Set(names)].sort().join(', ');
}

/** Why a port cannot be captured. null = it can. A port without carrier gets no frames. */
export function deafness(link: LinkState): string | null {
  if (!link.flags.includes('UP')) return 'the interface is down';
  if (!link.flags.includes('LOWER_UP')) return 'no carrier: nothing runs behind it';
  return null;
}

/**
 * An entry of any kind at a port says which guest is there, unless it is of the port's own MAC (fdb_add_local,
 * net/bridge/br_fdb.c) or a group's.
 */
export function entriesBehind(
  state: Pick<HostState, 'fdb' | 'links'>,
  bridge: string,
  port: string,
): readonly FdbState[] {
  const portMac = linkNamed(state, port)?.mac;
  return entriesOn(state, port).filter(
    ({ master, mac }) => master === bridge && mac !== portMac && !isGroupMacText(mac),
  );
}

/** MACs behind a port, without other endpoints' (`listed`) in static entries. */
export function macsBehind(
  state: Pick<HostState, 'fdb' | 'links'>,
  bridge: string,
  port: string,
  listed: readonly Endpoint[] = [],
): readonly Mac[] {
  const macs = new Set(entriesBehind(state, bridge, port).map(({ mac }) => mac));
  for (const { macs: others } of listed) for (const mac of others) macs.delete(mac);
  return [...macs];
}
