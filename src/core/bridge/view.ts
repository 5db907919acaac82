import type { Settings } from '../model/scenario.js';
import type { FdbState, HostState, LinkState, PacketSocket, Reading } from '../model/state.js';
import type { BridgeKey, PortKey } from './attributes.js';
import { type PortVlans, portVlans } from './port-vlans.js';
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

/** Kinds of link (linkinfo.info_kind) that lead out of the host; a physical interface has none. */
const outwards = new Set(['bond', 'team', 'vlan', 'vxlan', 'geneve', 'gretap', 'ip6gretap', 'l2tpeth']);

/** Every Linux bridge of a reading; `roles` corrects, by port, what the kind of a link suggests. */
export function bridgeViews(
  reading: Reading,
  roles: Readonly<Record<string, 'guest' | 'uplink'>> = {},
): readonly BridgeView[] {
  const { links, fdb, vlan } = reading.state;
  return links
    .filter((link) => link.kind === 'bridge')
    .map((link) => {
      const ports = links
        .filter((port) => port.master === link.name)
        .map(
          (port): PortView => ({
            name: port.name,
            link: port,
            settings: port.port ?? {},
            role: roles[port.name] ?? (port.kind === null || outwards.has(port.kind) ? 'uplink' : 'guest'),
          }),
        );
      return {
        name: link.name,
        link,
        settings: link.bridge ?? {},
        ports,
        guests: ports.filter((port) => port.role === 'guest'),
        fdb: fdb.filter((entry) => entry.master === link.name),
        devices: new Set([link.name, ...ports.map((port) => port.name)]),
        vlansOf: (port: string) => portVlans(vlan, port),
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

export function isGroup(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}

/** A reading of which no more than the state is known. */
export function stateAlone(state: HostState): Reading {
  return { state, packetSockets: null, promiscuousLog: null, vmnet: [], ovs: null };
}

/** Who holds sockets: `tcpdump (812)`; says so where nobody does or nobody could be seen. */
export function describeHolders(sockets: readonly PacketSocket[] | null): string {
  if (sockets === null) return 'nobody knows (packet sockets could not be read)';
  if (sockets.length === 0) return 'no packet socket: another bridge, a macvlan, or a user (ip link set promisc on)';
  const names = sockets.flatMap((socket) => socket.holders.map(({ pid, name }) => `${name} (${pid})`));
  return names.length === 0 ? 'a process that is not visible from here' : [...new Set(names)].sort().join(', ');
}
