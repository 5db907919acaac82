import type { PacketSocket, RunningProgram, SocketProcess } from './packet-socket.js';
import type { Declared } from './host-config.js';
import type { ConfigurationManager } from './fix.js';
import type { SettingValue } from './scenario.js';
import type { NeighbourState, Routing } from './routing-state.js';

/**
 * Kinds of link that are pairs: what is sent by one end comes in at the other (ip-link(8)). `patch`: ports of Open
 * vSwitch, which are no devices of the kernel.
 */
export const pairKinds: readonly (string | null)[] = ['veth', 'netkit', 'patch'];

/** One link of the bridge's host, as `ip -j -d link` reports it. Values that the kernel does not know are absent. */
export interface LinkState {
  readonly name: string;
  readonly ifindex: number;
  /** No other interface has it while the kernel runs, not one of the same name and index; absent = it was not read. */
  readonly identity?: string;
  readonly mac: string;
  /** Bytes, without the Ethernet header. */
  readonly mtu: number;
  /** `UP`, `LOWER_UP`, …; `operstate`: `UP`, `DOWN`, `UNKNOWN`, …, as ip-link(8) names them. */
  readonly flags: readonly string[];
  readonly operstate: string;
  /** Name of the bridge or bond that it is a port of; null = of none. */
  readonly master: string | null;
  /** How many want every frame of it; null = not reported. */
  readonly promiscuity: number | null;
  /** The link below it, or the other end of a veth or netkit, by name, where that is in this namespace. */
  readonly lower?: string;
  /**
   * Index of the other end of a veth or netkit, in the namespace where that is; absent where it is neither or the other
   * end is here.
   */
  readonly peer?: number;
  /** VXLAN network identifier of a VXLAN device; absent where it is not one. */
  readonly vni?: number;
  /** Addresses at which a VXLAN device gets frames: its `local`, else all of its host; absent where it is not one. */
  readonly vteps?: readonly string[];
  /** How a macvlan, macvtap or ipvlan hands frames over (`bridge`, `private`, `l2`, …); absent where it is not one. */
  readonly mode?: string;
  /** Queues of a tap that processes have open, and those of them that are off; absent where it has a single one. */
  readonly queues?: number;
  readonly queuesOff?: number;
  /** VLAN of a VLAN device; absent where it is not one. */
  readonly vlanId?: number;
  /** The XDP program on it; absent = there is none. */
  readonly xdp?: string;
  /** Identifier of the switch in hardware whose port it is (switchdev); absent where it is not one. */
  readonly switchId?: string;
  /** linkinfo.info_kind; null where it has none, as hardware. */
  readonly kind: string | null;
  /** Contents of /sys/class/net/NAME/flags; null where it could not be read. */
  readonly sysFlags: number | null;
  /** linkinfo.info_data of a bridge, whole, timers and counters included; null = it is not one. */
  readonly bridge: Readonly<Record<string, SettingValue>> | null;
  /** linkinfo.info_slave_data of a bridge port, whole; null = it is not one. */
  readonly port: Readonly<Record<string, SettingValue>> | null;
}

/** One entry of `bridge -j fdb`. */
export interface FdbState {
  readonly mac: string;
  readonly port: string;
  readonly master: string | null;
  /** VLAN id; null = in no VLAN. */
  readonly vlan: number | null;
  /** `permanent`, `static`, `dynamic`, …; `dynamic` where the program prints none. */
  readonly state: string;
  readonly flags: readonly string[];
  /** Address to which a VXLAN device sends what is for it; absent where it is none of one. */
  readonly dst?: string;
  /** Seconds since the entry was used and updated (`bridge -s`); null where not reported. */
  readonly usedS: number | null;
  readonly updatedS: number | null;
}

/** A bridge of Open vSwitch: columns of its table, as ovs-vsctl prints them (RFC 7047 5.1), and ovs-ofctl's answers. */
export interface OvsBridgeState {
  readonly name: string;
  readonly columns: Readonly<Record<string, unknown>>;
  /** Flows without counters and times, as `ovs-ofctl dump-flows` prints them. */
  readonly flows: readonly string[];
  /** Cookies of these flows, in their order, '' for 0; absent = all have none, or they were not read. */
  readonly cookies?: readonly string[];
  /** As `ovs-ofctl dump-groups` and `dump-meters` print them; here and below absent = none, or not read. */
  readonly groups?: readonly string[];
  readonly meters?: readonly string[];
  /** Processes at its management socket, as controllers are. */
  readonly controllers?: readonly SocketProcess[];
  /** Frames that the switch was asked about, and where it would send them (ovs-appctl, `ofproto/trace`). */
  readonly traces?: readonly { readonly frame: string; readonly text: string }[];
}

export interface OvsPortState {
  readonly name: string;
  readonly bridge: string;
  readonly columns: Readonly<Record<string, unknown>>;
  /** Number in the bridge; null where the switch has not taken it, and of a bond, whose interfaces have numbers. */
  readonly ofport: number | null;
  /** Column `type` of its interface, `bond` = it has several; absent = empty, as of the kernel's own. */
  readonly type?: string;
  /** The other end of a patch port; absent = it is none. */
  readonly peer?: string;
  /** MAC of the guest behind it, as its manager wrote it there (`external_ids:attached-mac`); absent = it did not. */
  readonly mac?: string;
  /** Words of ovs-ofctl's `config:`, such as NO_FLOOD. */
  readonly config: readonly string[];
}

export interface OvsMirrorState {
  readonly name: string;
  readonly bridge: string;
  /** null = it copies to a VLAN, or nowhere. */
  readonly outputPort: string | null;
  /** null = frames of every port (select_all). */
  readonly ports: readonly string[] | null;
  /** Those of them of which it copies what leaves (select_dst_port); absent = not read, or of every port. */
  readonly leaving?: readonly string[];
  /** Its columns `filter`, `select_vlan`, `output_vlan` and `snaplen`; absent = they are empty. */
  readonly filter?: string;
  readonly vlans?: readonly number[];
  readonly outputVlan?: number;
  readonly snaplen?: number;
}

/** Open vSwitch's configuration. What it forwards stands in `links` and `fdb` like that of a kernel bridge. */
export interface OvsState {
  readonly bridges: readonly OvsBridgeState[];
  readonly ports: readonly OvsPortState[];
  readonly mirrors: readonly OvsMirrorState[];
  /** The bridge that OVN uses by its settings (external_ids:ovn-remote, ovn-bridge); absent = none. */
  readonly ovnBridge?: string;
  /** The switch: root's program, which locks the pid file; null = nothing proves it, absent = nobody asked. */
  readonly daemon?: { readonly pid: number; readonly program: RunningProgram } | null;
}

/** Frames that the kernel says it has dropped since it started. */
export interface Drops {
  /** By device: received and sent together (/proc/net/dev). */
  readonly devices: Readonly<Record<string, number>>;
  /** Frames for which a processor's backlog had no room (/proc/net/softnet_stat), of the whole machine. */
  readonly backlog: number;
}

/** A program that is attached to a device where no command of iproute2 shows it (bpf(2), BPF_PROG_QUERY). */
export interface AttachedProgram {
  readonly device: string;
  /** `tcx ingress`, `tcx egress`, `netkit primary`, `netkit peer`. */
  readonly place: string;
  /** The kernel's number of the program. */
  readonly id: number;
  /** Its loader's name for it, the hash of its code, and whether that only passes and drops. Absent: not reported. */
  readonly name?: string;
  readonly tag?: string;
  readonly onlyPasses?: true;
  /** Its code can hand on or keep nothing of a packet, whatever its results are; absent: it may, or is not known. */
  readonly keepsNothing?: true;
}

/** An XDP program on a device with an ear in a namespace other than that of the bridges. */
export interface EarProgram {
  readonly device: string;
  /** Path of its namespace. */
  readonly space: string;
  /** The kernel's number of the program. */
  readonly id: number;
}

/** A table of xtables that nft does not list, with rules in it. */
export interface LegacyTable {
  readonly program: 'iptables-legacy' | 'ip6tables-legacy' | 'ebtables-legacy';
  readonly table: string;
  /** Beyond the policies of its chains; chains of its own count as well. */
  readonly rules: number;
  /** Targets of its rules that are more than a verdict, each once; null = they were not read. */
  readonly targets: readonly string[] | null;
  /** Matches that its rules name (`recent`), each once; absent = they were not read. */
  readonly matches?: readonly string[];
  /** Its rules with the target TEE; absent = there are none. */
  readonly copies?: readonly LegacyCopy[];
}

/** A rule of xtables that copies packets to another host (iptables-extensions(8), TEE). */
export interface LegacyCopy {
  readonly chain: string;
  /** From 1, as `iptables -D CHAIN NUMBER` takes it. */
  readonly number: number;
  /** What it takes, in words of iptables-save(8), an option each: `-p 6`, `! --dport 80:90`. */
  readonly matches: readonly string[];
  /** To which the copies are routed. */
  readonly gateway: string;
}

/** State without names that are unique across hosts. */
export const apartKeys = [
  ...(['packetSockets', 'packetHandlers', 'sharedTaps', 'waiting', 'logGroups', 'legacyTables', 'hardware'] as const),
  ...(['routing', 'neighbours'] as const),
] as const;
export type ApartState = Pick<HostState, (typeof apartKeys)[number]>;

/** What the kernel said of one bridge host at one moment. Parts that could not be read are named in `unread`. */
export interface HostState {
  readonly links: readonly LinkState[];
  readonly fdb: readonly FdbState[];
  /** `bridge -j vlan`, `bridge -j mdb`, `tc -j filter`, `nft -j list ruleset`: kept as the programs print them. */
  readonly vlan: unknown;
  readonly mdb: unknown;
  readonly tc: unknown;
  readonly nft: unknown;
  /** By full name (`net.ipv4.ip_forward`), as the kernel prints them; absent = it cannot be read. */
  readonly sysctl: Readonly<Record<string, string>>;
  /** Absent where there is none. */
  readonly ovs?: OvsState;
  /** What was dropped until then; null = it could not be read. */
  readonly drops: Drops | null;
  /**
   * Packet sockets of others than this program's helpers, after a step also those that came and went in it; null = they
   * could not be read, absent = nobody asked.
   */
  readonly packetSockets?: readonly PacketSocket[] | null;
  /** Functions of the kernel that get frames, but those of packet sockets; absent = nobody asked. */
  readonly packetHandlers?: readonly PacketHandler[];
  /**
   * Processes that have queues of one tap, by its name; `pid` 0 = one that was not found. Absent = no tap is shared, or
   * nobody asked.
   */
  readonly sharedTaps?: Readonly<Record<string, readonly { readonly pid: number; readonly name: string }[]>>;
  /** Queueing disciplines (tc(8)) in which frames wait, and how many; absent = there are none, or nobody asked. */
  readonly waiting?: readonly { readonly device: string; readonly discipline: string; readonly frames: number }[];
  /**
   * null = this user may not ask (then nobody with its rights can have attached any), or they could not be read, which
   * `unread` says.
   */
  readonly programs: readonly AttachedProgram[] | null;
  /** What takes frames in before such ears hear them; absent = there are none, or nobody asked. */
  readonly earPrograms?: readonly EarProgram[];
  /**
   * Groups of NFLOG from which a process takes packets (nfnetlink_log); absent = nobody asked, or they cannot be read.
   */
  readonly logGroups?: readonly number[];
  /**
   * Features of hardware that are on and forward, copy or take away frames, by device, as `ethtool -k` names them;
   * absent = there are none, or nobody asked.
   */
  readonly hardware?: Readonly<Record<string, readonly string[]>>;
  /** After a step: what sent out of promiscuous bridge devices in it; absent = nothing, or nobody listened. */
  readonly behind?: readonly SenderBehind[];
  /** Absent = there are none, or nobody asked. */
  readonly legacyTables?: readonly LegacyTable[];
  /** Read where the host routes to guests; absent = nobody asked. */
  readonly routing?: Routing;
  /** Read if a bridge answers ARP; absent = none does. */
  readonly neighbours?: readonly NeighbourState[];
  /**
   * Of a run over several hosts: what the other ones reported of that, by host; their rules of nft are in `nft.hosts`.
   */
  readonly apart?: Readonly<Record<string, ApartState>>;
  readonly unread: readonly { readonly what: string; readonly why: string }[];
}

/** A function of the kernel, a module or BPF that gets frames, as /proc/net/ptype lists it (struct packet_type). */
export interface PacketHandler {
  /** EtherType in hexadecimal, or `ALL`. */
  readonly type: string;
  /** Interface that it is bound to; null = all of them. */
  readonly device: string | null;
  /**
   * Its name, with its module: `VNetBridgeReceiveFromDev [vmnet]`, `BPF program 7 of netfilter`, `BPF program 7
   * (flow_dissector)`.
   */
  readonly function: string;
  /** A program of BPF that gets packets at no device of the bridges' namespace; absent = it is none. */
  readonly program?: { readonly id: number; readonly name: string; readonly tag: string; readonly place: string };
}

/** What sends out of a bridge device with a MAC that is not the bridge's: what is behind it is never learned. */
export interface SenderBehind {
  readonly bridge: string;
  readonly mac: string;
  /** The IPv4 address that it named in ARP; absent = it named none. */
  readonly address?: string;
}

/** A device of VMware's networking. */
export interface VmnetDevice {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  /** Group id of its owner. */
  readonly group: number;
}

/** Records of Open vSwitch's database by column, as `ovs-vsctl --format=json list` prints them. */
export type OvsRecord = Readonly<Record<string, unknown>>;

/**
 * All that an audit reads, at one moment. `null` = it could not be read, and `state.unread` says why, or is not there
 * at all.
 */
export interface Snapshot {
  readonly state: HostState;
  readonly packetSockets: readonly PacketSocket[] | null;
  /**
   * By device, what the kernel's log last said of its promiscuous mode. The log knows no namespaces: a hint, no proof.
   */
  readonly promiscuousLog: Readonly<Record<string, string>> | null;
  readonly vmnet: readonly VmnetDevice[];
  /** Tables of its database. */
  readonly ovs: {
    readonly bridges: readonly OvsRecord[];
    readonly ports: readonly OvsRecord[];
    readonly mirrors: readonly OvsRecord[];
  } | null;
  /** What the host's configuration says of bridges and ports; absent = it was not read. */
  readonly declared?: readonly Declared[];
  /** Whose configuration makes which bridge and port; absent = it was not read. */
  readonly keepers?: readonly ConfigurationManager[];
  /** What no bridge of the namespace carries; absent = nobody looked. */
  readonly beside?: Beside;
}

/** A device of the bridges' network namespace, or one elsewhere that stands on one of them or is its other end. */
export interface LinkedDevice {
  /** Path of its network namespace; null = that of the bridges. */
  readonly space: string | null;
  readonly name: string;
  readonly ifindex: number;
  /** linkinfo.info_kind; '' where it has none. */
  readonly kind: string;
  readonly mac: string;
  /** Number, in the bridges' namespace, of what it stands on, or of the other end of a pair; null = nothing there. */
  readonly lower: number | null;
  /** Number of its master, in its own namespace; null = none. */
  readonly master: number | null;
  readonly up: boolean;
  /** How a macvlan, macvtap or ipvlan hands frames over (`bridge`, `private`, `l2`, …); absent where it is not one. */
  readonly mode?: string;
  /** Flag of an ipvlan; absent where it has none, which is `bridge`. */
  readonly flag?: 'private' | 'vepa';
  /** Addresses of an ipvlan with their prefix, but those of the link alone; absent where it is not one. */
  readonly ips?: readonly string[];
  /** Frames that may wait to be sent: txqueuelen of ip-link(8). Absent = the kernel does not report. */
  readonly queue?: number;
  /** What distinguishes its namespace from others; absent = it is that of the bridges, or nobody asked. */
  readonly spaceId?: string;
  /** Frames that it has received since it is there; absent = nobody asked, or the kernel does not report. */
  readonly received?: number;
  /** The kernel's number of an XDP program on it; absent = there is none, or nobody asked. */
  readonly xdpId?: number;
}

/** A bridge with ports in a namespace other than that of the bridges that are looked at. */
export interface ForeignBridge {
  /** Path of its namespace, `/run/netns/NAME` where it has a name (ip-netns(8)). */
  readonly space: string;
  readonly name: string;
  /** How many ports it has. */
  readonly ports: number;
  /** A device joins its namespace to that of the bridges that are looked at. */
  readonly linked: boolean;
}

/** What stands beside the bridges of a namespace: a run on these says nothing of guests there. */
export interface Beside {
  /** Devices of the namespace, and those elsewhere that stand on one of them or are its other end. */
  readonly devices: readonly LinkedDevice[];
  /** Bridges in other namespaces that are linked to this one or have a name. */
  readonly bridges: readonly ForeignBridge[];
  /** Destinations that the host routes to a device, `default` among them (ip-route(8)). */
  readonly routes: readonly { readonly device: string; readonly destination: string }[];
  /** Sysctls of the devices that have routes, and of all (`net.ipv4.conf.NAME.rp_filter`). */
  readonly sysctl: Readonly<Record<string, string>>;
}

/** What was seen between two snapshots that can carry frames elsewhere, whether or not it stayed. */
export interface PassingCarriers
  extends Required<Pick<HostState, 'logGroups' | 'legacyTables' | 'sharedTaps' | 'packetHandlers'>> {
  readonly packetSockets: readonly PacketSocket[];
  readonly programs: readonly AttachedProgram[];
}

/** What the kernel said around a step's probes; null = it was not read. */
export interface StepStates {
  readonly before: HostState | null;
  readonly after: HostState | null;
  /** The snapshots around the events of the step, in order; absent where there were none. */
  readonly during?: readonly (HostState | null)[];
}
