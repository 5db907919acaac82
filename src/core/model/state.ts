import type { PacketSocket, RunningProgram, SocketProcess } from './packet-socket.js';
import type { ConfigurationManager } from './fix.js';
import type { SettingValue } from './scenario.js';
import type { NeighbourState, Routing } from './routing-state.js';

/**
 * Link pairs: frames sent by one end enter at the other (ip-link(8)). `patch`: ports of Open vSwitch, which are no
 * devices of the kernel.
 */
export const pairKinds: readonly (string | null)[] = ['veth', 'netkit', 'patch'];

/**
 * A link of `ip -j -d link`. A member that the kernel does not report, or the kind of link does not have, is absent.
 */
export interface LinkState {
  readonly name: string;
  readonly ifindex: number;
  /** Unique while the kernel runs, unlike name and index; absent = not read. */
  readonly identity?: string;
  readonly mac: string;
  /** Bytes, without the Ethernet header. */
  readonly mtu: number;
  /** `UP`, `LOWER_UP`, …; `operstate`: `UP`, `DOWN`, `UNKNOWN`, … (ip-link(8)). */
  readonly flags: readonly string[];
  readonly operstate: string;
  /** Its bridge or bond; null = none. */
  readonly master: string | null;
  /** Users that want every frame; null = not reported. */
  readonly promiscuity: number | null;
  /** The link below, or the other end of a veth or netkit, if in this namespace. */
  readonly lower?: string;
  /** Index of the other end of a veth or netkit in another namespace. */
  readonly peer?: number;
  readonly vni?: number;
  /** Addresses at which a VXLAN device receives: its `local`, else all of its host. */
  readonly vteps?: readonly string[];
  /** Mode of a macvlan, macvtap or ipvlan: `bridge`, `private`, `l2`, …. */
  readonly mode?: string;
  /** Open queues of a tap, and disabled ones of these; absent = a single queue. */
  readonly queues?: number;
  readonly queuesOff?: number;
  readonly vlanId?: number;
  readonly xdp?: string;
  readonly switchId?: string;
  /** linkinfo.info_kind; null = none, as hardware. */
  readonly kind: string | null;
  /** /sys/class/net/NAME/flags; null = unreadable. */
  readonly sysFlags: number | null;
  /** linkinfo.info_data of a bridge, with timers and counters; null = no bridge. */
  readonly bridge: Readonly<Record<string, SettingValue>> | null;
  /** linkinfo.info_slave_data of a port, complete; null = no port. */
  readonly port: Readonly<Record<string, SettingValue>> | null;
}

/** An entry of `bridge -j fdb`. */
export interface FdbState {
  readonly mac: string;
  readonly port: string;
  readonly master: string | null;
  readonly vlan: number | null;
  /** `permanent`, `static`, …; `dynamic` if none is printed. */
  readonly state: string;
  readonly flags: readonly string[];
  /** A VXLAN device sends its frames to this address; absent = none. */
  readonly dst?: string;
  /** Seconds since use and update (`bridge -s`); null = not reported. */
  readonly usedS: number | null;
  readonly updatedS: number | null;
}

/**
 * A bridge of Open vSwitch: its columns as ovs-vsctl prints them (RFC 7047 5.1), and ovs-ofctl's answers. Absent =
 * none, or not read.
 */
export interface OvsBridgeState {
  readonly name: string;
  readonly columns: Readonly<Record<string, unknown>>;
  /** `ovs-ofctl dump-flows`, without counters and times. */
  readonly flows: readonly string[];
  /** Of these flows, in their order, '' for 0; absent = all 0, or not read. */
  readonly cookies?: readonly string[];
  /** `ovs-ofctl dump-groups` and `dump-meters`. */
  readonly groups?: readonly string[];
  readonly meters?: readonly string[];
  /** Processes at its management socket, as controllers are. */
  readonly controllers?: readonly SocketProcess[];
  /** Frames of `ofproto/trace` (ovs-appctl), and their ways. */
  readonly traces?: readonly { readonly frame: string; readonly text: string }[];
}

export interface OvsPortState {
  readonly name: string;
  readonly bridge: string;
  readonly columns: Readonly<Record<string, unknown>>;
  /** Number in the bridge; null = not taken by the switch, or a bond, whose interfaces have numbers. */
  readonly ofport: number | null;
  /** Of its interface, `bond` = several; absent = empty, as of the kernel's own. */
  readonly type?: string;
  /** The other end of a patch port; absent = none. */
  readonly peer?: string;
  /** MAC of its guest, by the manager (`external_ids:attached-mac`); absent = none. */
  readonly mac?: string;
  /** Words of ovs-ofctl's `config:`: NO_FLOOD, …. */
  readonly config: readonly string[];
}

export interface OvsMirrorState {
  readonly name: string;
  readonly bridge: string;
  /** null = to a VLAN, or nowhere. */
  readonly outputPort: string | null;
  /** null = all (select_all). */
  readonly ports: readonly string[] | null;
  /** Of these, ports whose outgoing frames it copies (select_dst_port); absent = not read, or all. */
  readonly leaving?: readonly string[];
  /** Columns `filter`, `select_vlan`, `output_vlan` and `snaplen`; absent = empty. */
  readonly filter?: string;
  readonly vlans?: readonly number[];
  readonly outputVlan?: number;
  readonly snaplen?: number;
}

/** Configuration of Open vSwitch; its forwarding is in `links` and `fdb`. */
export interface OvsState {
  readonly bridges: readonly OvsBridgeState[];
  readonly ports: readonly OvsPortState[];
  readonly mirrors: readonly OvsMirrorState[];
  /** OVN's bridge (external_ids:ovn-remote, ovn-bridge); absent = none. */
  readonly ovnBridge?: string;
  /** Root's program that locks the pid file; null = not proved, absent = not read. */
  readonly daemon?: { readonly pid: number; readonly program: RunningProgram } | null;
}

/** The kernel's counts of dropped frames since it started. */
export interface Drops {
  /** By device, received and sent together (/proc/net/dev). */
  readonly devices: Readonly<Record<string, number>>;
  /** Without room in a processor's backlog (/proc/net/softnet_stat), on the whole machine. */
  readonly backlog: number;
}

/** Not shown by iproute2 (bpf(2), BPF_PROG_QUERY). */
export interface AttachedProgram {
  readonly device: string;
  /** `tcx ingress`, `tcx egress`, `netkit primary`, `netkit peer`. */
  readonly place: string;
  readonly id: number;
  /** Its name, the hash of its code, and whether that only passes and drops. Absent: not reported. */
  readonly name?: string;
  readonly tag?: string;
  readonly onlyPasses?: true;
  /** Its code can pass on or keep nothing of a packet, whatever its results; absent: it may, or is not known. */
  readonly keepsNothing?: true;
}

/** An XDP program on an observed device in a namespace other than the bridges'. */
export interface EarProgram {
  readonly device: string;
  readonly space: string;
  readonly id: number;
}

/** A table of xtables with rules that nft does not list. */
export interface LegacyTable {
  readonly program: 'iptables-legacy' | 'ip6tables-legacy' | 'ebtables-legacy';
  readonly table: string;
  /** Without its chains' policies; with its own chains. */
  readonly rules: number;
  /** Targets beyond verdicts, each once; null = not read. */
  readonly targets: readonly string[] | null;
  /** Matches of its rules (`recent`), each once; absent = not read. */
  readonly matches?: readonly string[];
  /** Rules with the target TEE; absent = none. */
  readonly copies?: readonly LegacyCopy[];
}

/** A rule of xtables that copies packets to another host (iptables-extensions(8), TEE). */
export interface LegacyCopy {
  readonly chain: string;
  /** From 1, as in `iptables -D CHAIN NUMBER`. */
  readonly number: number;
  /** By option of iptables-save(8): `-p 6`, `! --dport 80:90`. */
  readonly matches: readonly string[];
  /** The host that gets the copies. */
  readonly gateway: string;
}

/** State without names that are unique across hosts. */
export const apartKeys = [
  ...(['packetSockets', 'packetHandlers', 'sharedTaps', 'waiting', 'logGroups', 'legacyTables', 'hardware'] as const),
  ...(['routing', 'neighbours'] as const),
] as const;
export type ApartState = Pick<HostState, (typeof apartKeys)[number]>;

/**
 * State of one bridge host at one moment. `unread` names unreadable parts; an optional member is absent if empty or not
 * read.
 */
export interface HostState {
  readonly links: readonly LinkState[];
  readonly fdb: readonly FdbState[];
  /** `bridge -j vlan`, `bridge -j mdb`, `tc -j filter`, `nft -j list ruleset`. */
  readonly vlan: unknown;
  readonly mdb: unknown;
  readonly tc: unknown;
  readonly nft: unknown;
  /** By full name (`net.ipv4.ip_forward`), as printed; absent = unreadable. */
  readonly sysctl: Readonly<Record<string, string>>;
  readonly ovs?: OvsState;
  /** Until then; null = unreadable. */
  readonly drops: Drops | null;
  /**
   * Without this program's helpers, after a step with those that came and went in it; null = unreadable, absent = not
   * read.
   */
  readonly packetSockets?: readonly PacketSocket[] | null;
  /** Kernel functions that get frames, without those of packet sockets. */
  readonly packetHandlers?: readonly PacketHandler[];
  /** Processes with queues of one tap, by its name; `pid` 0 = not found. */
  readonly sharedTaps?: Readonly<Record<string, readonly { readonly pid: number; readonly name: string }[]>>;
  /** Queueing disciplines (tc(8)) with waiting frames. */
  readonly waiting?: readonly { readonly device: string; readonly discipline: string; readonly frames: number }[];
  /**
   * null = unreadable (see `unread`), or this user may not ask: then no process with its rights can have attached any.
   */
  readonly programs: readonly AttachedProgram[] | null;
  /** They take frames in before observers there capture them. */
  readonly earPrograms?: readonly EarProgram[];
  /** From which a process takes packets (nfnetlink_log); absent = not read. */
  readonly logGroups?: readonly number[];
  /** Enabled hardware features that forward, copy or take away frames, by device, as in `ethtool -k`. */
  readonly hardware?: Readonly<Record<string, readonly string[]>>;
  /** After a step: senders behind promiscuous bridge devices in it. */
  readonly behind?: readonly SenderBehind[];
  readonly legacyTables?: readonly LegacyTable[];
  /** Read if the host routes to guests. */
  readonly routing?: Routing;
  /** Read if a bridge answers ARP. */
  readonly neighbours?: readonly NeighbourState[];
  /** Of the other hosts of a run; their nft rules are in `nft.hosts`. */
  readonly apart?: Readonly<Record<string, ApartState>>;
  readonly unread: readonly { readonly what: string; readonly why: string }[];
}

/** A kernel function, module or BPF program that gets frames, as in /proc/net/ptype (struct packet_type). */
export interface PacketHandler {
  /** EtherType in hexadecimal, or `ALL`. */
  readonly type: string;
  /** null = all. */
  readonly device: string | null;
  /**
   * With its module: `VNetBridgeReceiveFromDev [vmnet]`, `BPF program 7 of netfilter`, `BPF program 7
   * (flow_dissector)`.
   */
  readonly function: string;
  /** A BPF program that gets packets at no device of the bridges' namespace; absent = none. */
  readonly program?: { readonly id: number; readonly name: string; readonly tag: string; readonly place: string };
}

/** A sender out of a bridge device with another MAC than the bridge's, which is never learned. */
export interface SenderBehind {
  readonly bridge: string;
  readonly mac: string;
  /** IPv4 from its ARP; absent = none. */
  readonly address?: string;
}

export interface VmnetDevice {
  readonly path: string;
  readonly mode: number;
  /** Gid of its owner. */
  readonly group: number;
}

/** As in `ovs-vsctl --format=json list`, by column. */
export type OvsRecord = Readonly<Record<string, unknown>>;

/** All that an audit reads, at one moment. null = unreadable (see `state.unread`) or not there; absent = not read. */
export interface Snapshot {
  readonly state: HostState;
  readonly packetSockets: readonly PacketSocket[] | null;
  /** The kernel log's last line on each device's promiscuous mode. The log knows no namespaces: a hint, no proof. */
  readonly promiscuousLog: Readonly<Record<string, string>> | null;
  readonly vmnet: readonly VmnetDevice[];
  readonly ovs: {
    readonly bridges: readonly OvsRecord[];
    readonly ports: readonly OvsRecord[];
    readonly mirrors: readonly OvsRecord[];
  } | null;
  readonly keepers?: readonly ConfigurationManager[];
  readonly beside?: Beside;
}

/** A device of the bridges' namespace, or one elsewhere above one of them or at its other end. */
export interface LinkedDevice {
  /** Path of its namespace; null = the bridges'. */
  readonly space: string | null;
  readonly name: string;
  readonly ifindex: number;
  readonly kind: string;
  readonly mac: string;
  /** Index, in the bridges' namespace, of the link below or of a pair's other end; null = none there. */
  readonly lower: number | null;
  /** Index in its own namespace; null = none. */
  readonly master: number | null;
  readonly up: boolean;
  readonly mode?: string;
  /** Flag of an ipvlan; absent = none, which is `bridge`. */
  readonly flag?: 'private' | 'vepa';
  /** With prefix, of an ipvlan, without link-local ones. */
  readonly ips?: readonly string[];
  /** txqueuelen of ip-link(8). Absent = not reported. */
  readonly queue?: number;
  /** Distinguishes its namespace; absent = the bridges', or not read. */
  readonly spaceId?: string;
  /** Frames received since it exists; absent = not read or not reported. */
  readonly received?: number;
  readonly xdpId?: number;
}

/** A bridge with ports in another namespace. */
export interface ForeignBridge {
  /** `/run/netns/NAME` if it has a name (ip-netns(8)). */
  readonly space: string;
  readonly name: string;
  readonly ports: number;
  /** A device joins the two namespaces. */
  readonly linked: boolean;
}

/** State beside the bridges of a namespace: a run on these does not cover guests there. */
export interface Beside {
  readonly devices: readonly LinkedDevice[];
  /** Linked to this namespace, or in one with a name. */
  readonly bridges: readonly ForeignBridge[];
  /** Destinations routed to a device, `default` included (ip-route(8)). */
  readonly routes: readonly { readonly device: string; readonly destination: string }[];
  /** Of the devices with routes, and of all (`net.ipv4.conf.NAME.rp_filter`). */
  readonly sysctl: Readonly<Record<string, string>>;
}

/** Possible bypasses seen between two snapshots, also if they are gone. */
export interface PassingCarriers
  extends Required<Pick<HostState, 'logGroups' | 'legacyTables' | 'sharedTaps' | 'packetHandlers'>> {
  readonly packetSockets: readonly PacketSocket[];
  readonly programs: readonly AttachedProgram[];
}

/** State around a step's probes; null = not read. */
export interface StepStates {
  readonly before: HostState | null;
  readonly after: HostState | null;
  readonly during?: readonly (HostState | null)[];
}
