import type { Attach, Below } from './attach.js';
import type { ConfigurationManager } from './fix.js';

/** MAC address, lower case with colons: `52:54:00:85:20:d1`. */
export type Mac = string;

/** An IP address with the length of its prefix, IPv4 or IPv6. */
export interface IpPrefix {
  readonly family: 4 | 6;
  readonly address: string;
  /** Bits, 0 to 32 or 128. */
  readonly prefix: number;
}

/**
 * A bridge that joins one guest to a port of another bridge and has nothing else on it, as firewalls put it in front of
 * a guest (Proxmox VE, OpenStack).
 */
export interface Hop {
  /** The bridge between. */
  readonly bridge: string;
  /** The guest's own port, on that bridge: its frames enter and leave there. */
  readonly near: string;
}

export type Role = 'guest' | 'uplink' | 'host';
export type Provider = 'lab' | 'host';

/**
 * The value of a setting as the kernel prints it in `ip -j -d link`: booleans as true/false, times in
 * the unit that the kernel counts in (see core/model/settings.ts), everything else as number or text.
 */
export type SettingValue = string | number | boolean;
/** Settings by the JSON key of `ip -j -d link`, whichever name the scenario used. */
export type Settings = Readonly<Record<string, SettingValue>>;

/** VLANs `first` to `last`, 1 to 4094, both included; flags as bridge(8) has them. */
export interface VlanRange {
  readonly first: number;
  readonly last: number;
  /** Untagged frames that come in belong to it. */
  readonly pvid: boolean;
  /** Its frames leave without a tag. */
  readonly untagged: boolean;
}

/** A mirror of Open vSwitch. */
export interface Mirror {
  readonly name: string;
  /** Port whose frames are copied, or `all`. */
  readonly select: string;
  /** Port that gets the copies. */
  readonly output: string;
}

/** A host of a scenario that spans several. */
export interface Host {
  readonly name: string;
  /** How ssh(1) is to reach it, such as `root@hv2`; null in the lab, where it is a namespace. */
  readonly ssh: string | null;
  /** The program there, as an argument list. */
  readonly command: readonly string[];
}

/** What joins the parts of a segment: VXLAN (RFC 7348). */
export interface Tunnel {
  /** VXLAN network identifier, 24 bits; null on a host, where the device has it. */
  readonly vni: number | null;
  /** Hosts to which frames for everybody and for unknown stations are sent. */
  readonly to: readonly string[];
}

/**
 * `name`: HOST/NAME where it is on another host than the orchestrator's (core/model/host-names.ts); so are bridge and
 * port of an endpoint.
 */
export interface Bridge {
  readonly name: string;
  /**
   * `routed`: no bridge, but the host, which routes between the ports of its guests. `lower`: no bridge, but a device
   * of the host on which guests stand by macvlan, macvtap or ipvlan; it has the bridge's name.
   */
  readonly kind: 'linux' | 'ovs' | 'routed' | 'lower';
  /** Of Open vSwitch in the lab; null = it is another bridge, or one of a host. */
  readonly datapath: 'netdev' | 'system' | null;
  readonly settings: Settings;
  readonly addresses: readonly IpPrefix[];
  readonly vlans: readonly VlanRange[];
  readonly mirrors: readonly Mirror[];
  /** What gets its frames and cannot be observed; absent: nothing. */
  readonly unheard?: string;
  /** On a host: its own device, by which the host is on it, is down and gets nothing. Absent: it is up. */
  readonly isDeviceDown?: true;
  /** Path of its network namespace; null = the orchestrator's, and in the lab. */
  readonly netns: string | null;
}

/**
 * A guest, an uplink or the host on a bridge.
 *
 * @example
 *   { name: 'db', bridge: 'br0', port: 'vnet1', attach: 'port', role: 'guest', macs: ['52:54:00:00:00:02'], … }
 */
export interface Endpoint {
  /** As rows and reports call it; with several hosts HOST/NAME. */
  readonly name: string;
  /** The bridge that it is on. */
  readonly bridge: string;
  /** Interface name on the bridge's host; null for `attach: host`, the relay's guest side for `attach: promiscuous`. */
  readonly port: string | null;
  /** On a host: what stands between its own interface and `port`; absent = nothing. */
  readonly hop?: Hop;
  /** How it hangs on the bridge. */
  readonly attach: Attach;
  /** `attach: macvlan`, `macvtap` and `ipvlan` only: what it stands on; on a host absent until it was looked for. */
  readonly below?: Below;
  /** What it is to the judge: only guests are kept from each other. */
  readonly role: Role;
  /** The rightful ones; the first one is its source. Empty on a host where it is not known. */
  readonly macs: readonly Mac[];
  /** With their prefix; empty = it has no stack that answers. */
  readonly ips: readonly IpPrefix[];
  /** Address of its default route; null = none. */
  readonly gateway: string | null;
  /** The tenant that it belongs to, which `policy` names; null = none. */
  readonly zone: string | null;
  /** The guest that it is an interface of; endpoints of one owner are one party. Absent: it is one by itself. */
  readonly owner?: string;
  /**
   * Nothing is sent to it or in its name: `told` in the answer, or `missing` from the proof. Absent: it is examined.
   */
  readonly observedOnly?: 'told' | 'missing';
  /** False: absent until a step starts it. */
  readonly started: boolean;
  /** Path of its own network namespace; null = not known, or a virtual machine. */
  readonly netns: string | null;
  /** `attach: promiscuous` only: the relay hands over every frame, not just those for the endpoint. */
  readonly promiscuous: boolean;
  /** Of its port; empty = those that the bridge gives. */
  readonly vlans: readonly VlanRange[];
  /** Bridge-port settings. */
  readonly settings: Settings;
  /** Lab: checksum and segmentation offloads of the endpoint's interface. */
  readonly offloads: boolean;
  /** Came from a `generate` block. */
  readonly generated: boolean;
  /**
   * It is no guest but the way to the segment's parts on other hosts: observed, and judged only where `observers` names
   * it.
   */
  readonly tunnel?: Tunnel;
}

export interface Topology {
  readonly provider: Provider;
  readonly bridges: readonly Bridge[];
  readonly endpoints: readonly Endpoint[];
  readonly sysctl: Readonly<Record<string, string>>;
  /** Absent: everything is on one host. */
  readonly hosts?: readonly Host[];
  /** Lab: whose configuration makes the devices of the live host that these stand for. */
  readonly keepers?: readonly ConfigurationManager[];
}

export const carriers = ['raw', 'arp', 'ipv4-udp', 'ipv4-tcp', 'ipv4-icmp', 'ipv6-udp', 'ipv6-icmp'] as const;
export type Carrier = (typeof carriers)[number];

/**
 * Names of probe classes. The file of each class in core/probe/classes adds its own (declaration merging), and the
 * registry core/probe/classes.ts does not compile until it has it.
 */
export interface ProbeClasses {
  /** Written here, since traffic of programs, which has no class, is compared with it. */
  readonly 'known-unicast': true;
}
export type ProbeClassName = keyof ProbeClasses;

/** What a scenario claims about one observer: none, some, all, or an exact number of frames. */
export type SeenAmount = 'none' | 'some' | 'all' | number;

/**
 * One claim of `seen`; null in `from`, `to` and `carrier` means any. It must hold for every row of the observer it
 * selects.
 */
export interface SeenClaim {
  readonly observer: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly carrier: string | null;
  /** Absent = any kind of frame of the class. */
  readonly variant?: string;
  readonly seen: SeenAmount;
}

/** May, must and seen as an author wrote them; null = the default of the class. Selectors are resolved to names. */
export interface Allowance {
  readonly maySee: readonly string[] | null;
  readonly mustSee: readonly string[] | null;
  readonly seen: readonly SeenClaim[];
}

/**
 * Rounds from 1. In round k each sender sends to the k-th addressee behind it; `last` null = until all pairs are
 * through.
 */
export interface Rounds {
  readonly first: number;
  readonly last: number | null;
}

type TransportField = 'sourcePort' | 'destinationPort' | 'tcpFlags' | 'icmpType' | 'icmpCode';
type SelectedField = 'etherType' | 'protocol' | 'dscp' | 'hopLimit' | TransportField;
/** What a frame has for a rule, instead of what probes have. Its checksum is wrong, so that no stack takes it. */
export type SelectedFields = Readonly<Partial<Record<SelectedField, number>>>;

export interface ProbeEntry extends Allowance {
  readonly class: ProbeClassName;
  /** Endpoint names, selectors resolved, in the topology's order. */
  readonly from: readonly string[];
  /** Resolved; null where the class takes no addressee or the author left it to the class. */
  readonly to: readonly string[] | null;
  readonly via: readonly string[] | null;
  /** The addressees send to the senders too. */
  readonly bothWays: boolean;
  /** False (`to: "*"`): only pairs on one bridge are meant. */
  readonly acrossBridges: boolean;
  /** Frames of each flow. */
  readonly count: number;
  /** Frames a second for the whole probe; null = the provider's default. */
  readonly rate: number | null;
  /** null = by class and by what the two ends have. */
  readonly carriers: readonly Carrier[] | null;
  /** Tag stacks as VLAN ids, outermost first; [[]] = untagged. */
  readonly vlanStacks: readonly (readonly number[])[];
  /** This and the next four: null = by class. */
  readonly srcMac: Mac | null;
  readonly dstMac: Mac | null;
  readonly srcIp: string | null;
  readonly dstIp: string | null;
  readonly group: string | null;
  /** Bytes without FCS; null = the least that the carrier fits in, at least 60. */
  readonly size: number | null;
  /** Only these of the pairs, round by round; absent = all of them, sender by sender. */
  readonly rounds?: Rounds;
  /** What its frames have for a rule, and the name of that rule. Absent = they are probes. */
  readonly fields?: SelectedFields;
  readonly rule?: string;
  /** Who is open to it by design: what most of them see is exposed, not leaked. Absent = nobody. */
  readonly openByDesign?: readonly string[];
}

export type TrafficKind = 'http' | 'ping' | 'tcp' | 'udp';

export interface TrafficEntry extends Allowance {
  readonly kind: TrafficKind;
  readonly from: string;
  readonly to: string;
  /** Requests or echoes, from 1. */
  readonly requests: number;
  /** Of each answer's body, or of each echo's data. */
  readonly bytes: number;
}

export interface FdbEntry {
  readonly mac: Mac;
  readonly port: string;
  readonly state: 'static' | 'permanent' | 'dynamic';
  readonly sticky: boolean;
  /** VLAN id; null = in none. */
  readonly vlan: number | null;
  /** In the device's table, not in the bridge's. */
  readonly self: boolean;
}

export interface MdbEntry {
  /** Address: IPv4, IPv6 or a MAC. */
  readonly group: string;
  readonly port: string;
  /** VLAN id; null = in none. */
  readonly vlan: number | null;
}

export interface PortVlan extends VlanRange {
  readonly port: string;
}

/** Something that happens while probes go on. */
export interface During {
  /** Since probing began. */
  readonly atMs: number;
  /** Argument lists. */
  readonly run: readonly (readonly string[])[];
  /** What changes until this long after its commands have ended is its doing too. */
  readonly settleMs: number;
}

/** Why something is taken on, by whom, and for how long. */
export interface Vouched {
  readonly reason: string;
  readonly owner: string | null;
  readonly ticket: string | null;
  /** Last day on which it is, `YYYY-MM-DD`; null = without end. */
  readonly until: string | null;
}

/** Does somebody still answer for it on that day, `YYYY-MM-DD`? */
export function isInForce({ until }: Vouched, day: string): boolean {
  return until === null || day <= until;
}

/** A leak that is accepted; afterwards it is one again. */
export interface Accepted extends Vouched {
  readonly observer: string;
  readonly class: string;
}

/** Something that can carry frames past the ears (`bypass-possible`), and who answers for it. */
export interface Trusted extends Vouched {
  /** As the reason names it, such as `packet socket of suricata`. */
  readonly what: string;
  /** As the reason names it; null = wherever it stands. */
  readonly where: string | null;
}

/** `expected`: what the step has to come to; null = unjudged. */
export interface Expectation extends Allowance {
  readonly expected: 'holds' | 'broken' | null;
  /** Who is judged; null = every endpoint but the sender, on a host also every other port. */
  readonly observers: readonly string[] | null;
}

/** What the plain keys of a step come to; each adds itself (core/scenario/schema/plain-step-keys.ts). */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- its members are beside the keys
export interface PlainStepKeys {}

export interface Step extends PlainStepKeys {
  readonly name: string;
  /** 1-based line of the step in its file. */
  readonly line: number;
  /** Device settings by interface name, in the file's order. */
  readonly set: readonly { readonly device: string; readonly settings: Settings }[];
  readonly sysctl: Readonly<Record<string, string>>;
  readonly vlan: { readonly add: readonly PortVlan[]; readonly del: readonly PortVlan[] };
  readonly fdb: {
    readonly flush: readonly string[];
    readonly del: readonly FdbEntry[];
    readonly add: readonly FdbEntry[];
  };
  readonly mdb: { readonly add: readonly MdbEntry[]; readonly del: readonly MdbEntry[] };
  readonly start: readonly string[];
  readonly stop: readonly string[];
  /** Argument vectors. */
  readonly run: readonly (readonly string[])[];
  readonly during: readonly During[];
  /** Endpoints that announce themselves before the probes. */
  readonly learn: readonly string[];
  readonly probes: readonly ProbeEntry[];
  readonly traffic: readonly TrafficEntry[];
  /** How long guests' own frames are listened to; null = that is not asked for. */
  readonly listenMs: number | null;
  readonly expect: Expectation;
  readonly accept: readonly Accepted[];
  /** Absent where there is none. */
  readonly trust?: readonly Trusted[];
  /** As in `ExpectationPlan`. */
  readonly noReaders?: true;
}

/** A file and the SHA-256 of its bytes, hex. */
export interface FileHash {
  readonly path: string;
  readonly sha256: string;
}

/** What the author claims, validated whole: every name in it exists, every selector is resolved. */
export interface Scenario {
  readonly version: 1;
  readonly name: string;
  readonly description: string | null;
  /** Path as given on the command line. */
  readonly file: string;
  /** SHA-256 of the file's bytes, hex. */
  readonly sha256: string;
  /** Other files that it consists of: included ones, and those that its `run` commands name. */
  readonly files: readonly FileHash[];
  /** Nothing was allowed to its commands beyond what every scenario may do; absent = it was not asked. */
  readonly mustBeFree?: boolean;
  /** Its `vars` as they were set. */
  readonly variables: Readonly<Record<string, string | number | boolean>>;
  /** Only steps whose name matches this regular expression are judged; null = all. */
  readonly grep: string | null;
  readonly allowChanges: boolean;
  readonly allowDisruptive: boolean;
  /** Reason why fewer than all ports may be observed; null = all have to be. */
  readonly partialScope: string | null;
  /** No frame asks rules that copy or move frames (`--rules 0`); absent = some may. */
  readonly asksRules?: false;
  readonly topology: Topology;
  readonly steps: readonly Step[];
}
