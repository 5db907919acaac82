import { entriesIn, entriesOf, entriesOn, linkNamed, portsOf, portVlans, type PortVlans } from './host.js';
import type { Endpoint, Mac, Settings } from '../model/scenario.js';
import type { PacketSocket } from '../model/packet-socket.js';
import type { FdbState, HostState, LinkState, SenderBehind, Snapshot } from '../model/state.js';
import type { BridgeKey, PortKey } from './attributes.js';
import { isGroupMacText } from '../wire/ethernet.js';
import { isOn } from './setting-value.js';

/** A port as a rule sees it. */
export interface PortView {
  readonly name: string;
  readonly link: LinkState;
  readonly settings: Settings;
  /** `uplink`: a physical interface, a bond or a VLAN of one; everything else may have a guest behind it. */
  readonly role: 'guest' | 'uplink';
}

/** One bridge with all that hangs on it. */
export interface BridgeView {
  readonly name: string;
  readonly link: LinkState;
  readonly settings: Settings;
  readonly ports: readonly PortView[];
  readonly guests: readonly PortView[];
  /** Entries of its forwarding database: those with it as master. */
  readonly fdb: readonly FdbState[];
  /** Names of the bridge and its ports, for what is read by device. */
  readonly devices: ReadonlySet<string>;
  /** VLANs of a port; null where they are not reported. */
  readonly vlansOf: (port: string) => PortVlans | null;
}

/** Kinds of links (linkinfo.info_kind) that carry Ethernet frames to another machine (ip-link(8)). */
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

/** Kinds that stand on NICs or are ports of a switch in hardware; a NIC has none. */
const nicKinds: readonly (string | null)[] = [null, 'bond', 'dsa', 'hsr', 'macsec', 'team', 'vlan'];

/** Does this link lead out of the machine? */
export function isOutward({ kind }: Pick<LinkState, 'kind'>): boolean {
  return nicKinds.includes(kind) || tunnelKinds.includes(kind);
}

/** A bit of /sys/class/net/NAME/flags (netdevice(7)). */
export const IFF_PROMISC = 0x100;

/** Does something want every frame of this device? */
export function isPromiscuous({ sysFlags, promiscuity }: Pick<LinkState, 'sysFlags' | 'promiscuity'>): boolean {
  return ((sysFlags ?? 0) & IFF_PROMISC) !== 0 || (promiscuity ?? 0) > 0;
}

/**
 * The senders behind bridge devices that no device of the host and no entry of a forwarding database accounts for. A
 * macvlan on a bridge leaves an entry (`self`), a guest on a port is learned there. `others`: MACs known besides.
 */
export function strangersBehind(
  { links, fdb }: Pick<HostState, 'links' | 'fdb'>,
  senders: readonly SenderBehind[],
  others: Iterable<Mac> = [],
): readonly SenderBehind[] {
  const known = new Set([...links.map(({ mac }) => mac), ...fdb.map(({ mac }) => mac), ...others]);
  return senders.filter(({ mac }) => !known.has(mac));
}

/** Does this port learn no MAC from what its guest sends? */
export function isDeafToSources(link: LinkState | undefined): boolean {
  return link?.port?.['learning'] === false;
}

/** Every Linux bridge of a snapshot; `roles` corrects, by port, what the kind of a link suggests. */
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

/** Commands that the place of a value is read with. */
export const readFrom = {
  link: 'ip -d link',
  fdb: 'bridge fdb',
  mdb: 'bridge -d mdb',
  tc: 'tc filter',
  nft: 'nft list ruleset',
  packet: '/proc/net/packet',
} as const;

/** A switch as bridges (0, 1) and ports (true, false) print it; null where the kernel does not report. */
export function isSettingOn(settings: Settings, key: BridgeKey | PortKey): boolean | null {
  const value = settings[key];
  return value === undefined ? null : isOn(value);
}

/**
 * True if br_netfilter hands what passes the bridge to rules of that table's family: by the sysctl of the namespace, or
 * by the bridge's own setting.
 */
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

/** A snapshot of which no more than the state is known. */
export function stateAlone(state: HostState): Snapshot {
  return { state, packetSockets: null, promiscuousLog: null, vmnet: [], ovs: null };
}

/** The processes that hold sockets: `tcpdump (812)`; says so where none does or none could be seen. */
export function describeHolders(sockets: readonly PacketSocket[] | null): string {
  if (sockets === null) return 'nobody knows (packet sockets could not be read)';
  if (sockets.length === 0) return 'no packet socket: another bridge, a macvlan, or a user (ip link set promisc on)';
  const names = sockets.flatMap((socket) => socket.holders.map(({ pid, name }) => `${name} (${pid})`));
  return names.length === 0 ? 'a process that is not visible from here' : [...new Set(names)].sort().join(', ');
}

/**
 * The link that a configuration means: by name; by the guest's MAC where the bridges know it, or as libvirt gives it to
 * the tap (fe: instead of its first byte).
 */
export function linkOfRecord(
  { device, mac }: { readonly device: string | null; readonly mac: Mac | null },
  state: Pick<HostState, 'links' | 'fdb'>,
): LinkState | undefined {
  if (device !== null) return linkNamed(state, device);
  if (mac === null) return undefined;
  const port = entriesOf(state, mac).find((entry) => entry.master !== null && entry.state !== 'permanent')?.port;
  return linkNamed(state, port) ?? state.links.find((link) => link.master !== null && link.mac === `fe${mac.slice(2)}`);
}

/**
 * Why nothing can be heard on a port; null = something can. A port without carrier is disabled by the bridge and gets
 * no frames.
 */
export function deafness(link: LinkState): string | null {
  if (!link.flags.includes('UP')) return 'the interface is down';
  if (!link.flags.includes('LOWER_UP')) return 'no carrier: nothing runs behind it';
  return null;
}

/**
 * MACs that live behind a port: not the port's own address, which the bridge keeps as permanent, nor group addresses,
 * nor those that a static entry has there and the file has of somebody else (`listed`).
 */
export function macsBehind(
  state: Pick<HostState, 'fdb'>,
  bridge: string,
  port: string,
  listed: readonly Endpoint[] = [],
): readonly Mac[] {
  const entries = entriesOn(state, port).filter(
    (entry) => entry.master === bridge && entry.state !== 'permanent' && !isGroupMacText(entry.mac),
  );
  const macs = new Set(entries.map(({ mac }) => mac));
  for (const { macs: others } of listed) for (const mac of others) macs.delete(mac);
  return [...macs];
}
