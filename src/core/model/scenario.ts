import { attaches, below, hop, tunnelShape } from './attach.js';
import type { ConfigurationManager } from './fix.js';
import { either, flag, leaf, maybe, number, type Of, oneOf, orNull, text, whole } from './shape/shape.js';

/** MAC address, lower case with colons: `52:54:00:85:20:d1`. */
export type Mac = string;

const ipPrefixShape = {
  family: oneOf(4, 6),
  address: text,
  /** Bits, 0 to 32 or 128. */
  prefix: whole,
};
/** An IP address with the length of its prefix, IPv4 or IPv6. */
export type IpPrefix = Of<typeof ipPrefixShape>;

export const roleShape = oneOf('guest', 'uplink', 'host');
export type Role = Of<typeof roleShape>;
export const provider = oneOf('lab', 'host');
export type Provider = Of<typeof provider>;

export const settingValue = either(text, number, flag);
/** As the kernel prints it in `ip -j -d link`: switches as true and false, times in its own unit (settings.ts). */
export type SettingValue = Of<typeof settingValue>;
/** There are thirty for each of a thousand ports, so that no misfit is made for each. */
export const settings = leaf(
  'a map to texts, numbers and truth values',
  (value): value is Readonly<Record<string, SettingValue>> =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(
      (setting) => typeof setting === 'string' || typeof setting === 'boolean' || Number.isFinite(setting),
    ),
);
/** Settings by the JSON key of `ip -j -d link`, whichever name the scenario used. */
export type Settings = Of<typeof settings>;

const vlanRangeShape = {
  first: whole,
  last: whole,
  /** Untagged frames that come in belong to it. */
  pvid: flag,
  /** Its frames leave without a tag. */
  untagged: flag,
};
/** VLANs `first` to `last`, 1 to 4094, both included; flags as bridge(8) has them. */
export type VlanRange = Of<typeof vlanRangeShape>;

export const mirrorShape = {
  name: text,
  /** Port whose frames are copied, or `all`. */
  select: text,
  /** Port that gets the copies. */
  output: text,
};
/** A mirror of Open vSwitch. */
export type Mirror = Of<typeof mirrorShape>;

export const hostShape = {
  name: text,
  /** How ssh(1) is to reach it, such as `root@hv2`; null in the lab, where it is a namespace. */
  ssh: orNull(text),
  /** The program there, as an argument list. */
  command: [text],
};
/** A host of a scenario that spans several. */
export type Host = Of<typeof hostShape>;

export const bridge = {
  name: text,
  /**
   * `routed`: no bridge, but the host, which routes between the ports of its guests. `lower`: no bridge, but a device
   * of the host on which guests stand by macvlan, macvtap or ipvlan; it has the bridge's name.
   */
  kind: oneOf('linux', 'ovs', 'routed', 'lower'),
  /** Of Open vSwitch in the lab; null = it is another bridge, or one of a host. */
  datapath: orNull(oneOf('netdev', 'system')),
  settings,
  addresses: [ipPrefixShape],
  vlans: [vlanRangeShape],
  mirrors: [mirrorShape],
  /** What gets its frames and cannot be observed; absent: nothing. */
  unheard: maybe(text),
  /** On a host: its own device, by which the host is on it, is down and gets nothing. Absent: it is up. */
  isDeviceDown: maybe(oneOf(true)),
  /** Path of its network namespace; null = the orchestrator's, and in the lab. */
  netns: orNull(text),
};
/**
 * `name`: HOST/NAME where it is on another host than the orchestrator's (core/model/host-names.ts); so are bridge and
 * port of an endpoint.
 */
export type Bridge = Of<typeof bridge>;

export const endpointShape = {
  /** As rows and reports call it; with several hosts HOST/NAME. */
  name: text,
  /** The bridge that it is on. */
  bridge: text,
  /** Interface name on the bridge's host; null for `attach: host`, the relay's guest side for `attach: promiscuous`. */
  port: orNull(text),
  /** On a host: what stands between its own interface and `port`; absent = nothing. */
  hop: maybe(hop),
  /** How it hangs on the bridge. */
  attach: oneOf(...attaches),
  /** `attach: macvlan`, `macvtap` and `ipvlan` only: what it stands on; on a host absent until it was looked for. */
  below: maybe(below),
  /** What it is to the judge: only guests are kept from each other. */
  role: roleShape,
  /** The rightful ones; the first one is its source. Empty on a host where it is not known. */
  macs: [text],
  /** With their prefix; empty = it has no stack that answers. */
  ips: [ipPrefixShape],
  /** Address of its default route; null = none. */
  gateway: orNull(text),
  /** The tenant that it belongs to, which `policy` names; null = none. */
  zone: orNull(text),
  /** The guest that it is an interface of; endpoints of one owner are one party. Absent: it is one by itself. */
  owner: maybe(text),
  /** Nothing is sent to it or as it: `told` in the answer, or `missing` from the proof. Absent: it is examined. */
  observedOnly: maybe(oneOf('told', 'missing')),
  /** False: absent until a step starts it. */
  started: flag,
  /** Path of its own network namespace; null = not known, or a virtual machine. */
  netns: orNull(text),
  /** `attach: promiscuous` only: the relay hands over every frame, not just those for the endpoint. */
  promiscuous: flag,
  /** Of its port; empty = those that the bridge gives. */
  vlans: [vlanRangeShape],
  /** Bridge-port settings. */
  settings,
  /** Lab: checksum and segmentation offloads of the endpoint's interface. */
  offloads: flag,
  /** Came from a `generate` block. */
  generated: flag,
  /**
   * It is no guest but the way to the segment's parts on other hosts: observed, and judged only where `observers` names
   * it.
   */
  tunnel: maybe(tunnelShape),
};
/**
 * A guest, an uplink or the host on a bridge.
 *
 * @example
 *   { name: 'db', bridge: 'br0', port: 'vnet1', attach: 'port', role: 'guest', macs: ['52:54:00:00:00:02'], … }
 */
export type Endpoint = Of<typeof endpointShape>;

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
export const carrier = oneOf(...carriers);
export type Carrier = (typeof carriers)[number];

/** The file of each class in core/probe/classes adds its own; the registry classes.ts does not compile without it. */
export interface ProbeClasses {
  /** Written here, since traffic of programs, which has no class, is compared with it. */
  readonly 'known-unicast': true;
}
export type ProbeClassName = keyof ProbeClasses;

/** The name of a class; the registry says whether there is one (core/probe/classes.ts). */
export const className = leaf('a class of probes', (value): value is ProbeClassName => typeof value === 'string');

const seenAmount = either(oneOf('none', 'some', 'all'), number);
/** What a scenario claims about one observer: none, some, all, or an exact number of frames. */
export type SeenAmount = Of<typeof seenAmount>;

export const seenClaimShape = {
  observer: text,
  from: orNull(text),
  to: orNull(text),
  carrier: orNull(text),
  /** Absent = any kind of frame of the class. */
  variant: maybe(text),
  seen: seenAmount,
};
/** A claim on every row of an observer that it selects; null in `from`, `to` and `carrier` means any. */
export type SeenClaim = Of<typeof seenClaimShape>;

/** May, must and seen as an author wrote them; null = the default of the class. Selectors are resolved to names. */
export interface Allowance {
  readonly maySee: readonly string[] | null;
  readonly mustSee: readonly string[] | null;
  readonly seen: readonly SeenClaim[];
}

/** In round k, from 1, each sender sends to the k-th addressee behind it; `last` null = to the end. */
export interface Rounds {
  readonly first: number;
  readonly last: number | null;
}

const field = maybe(whole);
export const selectedFieldsShape = {
  ...{ etherType: field, protocol: field, dscp: field, hopLimit: field },
  ...{ sourcePort: field, destinationPort: field, tcpFlags: field, icmpType: field, icmpCode: field },
};
/** What a frame has for a rule, instead of what probes have. Its checksum is wrong, so that no stack takes it. */
export type SelectedFields = Of<typeof selectedFieldsShape>;

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
  readonly form?: `hex:${string}`;
  /** Who is open to it by design: what most of them see is exposed, not leaked. Absent = nobody. */
  readonly openByDesign?: readonly string[];
}

export const trafficKind = oneOf('http', 'ping', 'tcp', 'udp');
export type TrafficKind = Of<typeof trafficKind>;

export interface TrafficEntry extends Allowance {
  readonly kind: TrafficKind;
  readonly from: string;
  readonly to: string;
  /** Requests or echoes, from 1. */
  readonly requests: number;
  /** Of each answer's body, or of each echo's data. */
  readonly bytes: number;
}

export const fdbEntry = {
  mac: text,
  port: text,
  state: oneOf('static', 'permanent', 'dynamic'),
  sticky: flag,
  /** VLAN id; null = in none. */
  vlan: orNull(whole),
  /** In the device's table, not in the bridge's. */
  self: flag,
};
export type FdbEntry = Of<typeof fdbEntry>;

export const mdbEntry = {
  /** Address: IPv4, IPv6 or a MAC. */
  group: text,
  port: text,
  /** VLAN id; null = in none. */
  vlan: orNull(whole),
};
export type MdbEntry = Of<typeof mdbEntry>;

export const portVlan = { ...vlanRangeShape, port: text };
export type PortVlan = Of<typeof portVlan>;

export const during = {
  /** Since probing began. */
  atMs: number,
  /** Argument lists. */
  run: [[text]],
  /** What changes until this long after its commands have ended is its doing too. */
  settleMs: number,
};
/** Something that happens while probes go on. */
export type During = Of<typeof during>;

const vouched = {
  reason: text,
  owner: orNull(text),
  ticket: orNull(text),
  /** Last day on which it is, `YYYY-MM-DD`; null = without end. */
  until: orNull(text),
};
/** Why something is taken on, by whom, and for how long. */
export type Vouched = Of<typeof vouched>;

/** Does somebody still answer for it on that day, `YYYY-MM-DD`? */
export function isInForce({ until }: Vouched, day: string): boolean {
  return until === null || day <= until;
}

export const accepted = { ...vouched, observer: text, class: text };
/** A leak that is accepted; afterwards it is one again. */
export type Accepted = Of<typeof accepted>;

export const trusted = {
  ...vouched,
  /** As the reason names it, such as `packet socket of suricata`. */
  what: text,
  /** As the reason names it; null = wherever it stands. */
  where: orNull(text),
};
/** Something that can carry frames past the ears (`bypass-possible`), and who answers for it. */
export type Trusted = Of<typeof trusted>;

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
export const fileHash = { path: text, sha256: text };
export type FileHash = Of<typeof fileHash>;

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
