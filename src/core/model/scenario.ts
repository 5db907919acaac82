import { attaches, below, hop, tunnelShape } from './attach.js';
import { either, flag, leaf, maybe, number, type Of, oneOf, orNull, text, whole } from './shape/shape.js';

/** Lower case with colons: `52:54:00:85:20:d1`. */
export type Mac = string;

const ipPrefixShape = {
  family: oneOf(4, 6),
  address: text,
  /** Bits, 0 to 32 or 128. */
  prefix: whole,
};
export type IpPrefix = Of<typeof ipPrefixShape>;

export const roleShape = oneOf('guest', 'uplink', 'host');
export type Role = Of<typeof roleShape>;
export const provider = oneOf('lab', 'host');
export type Provider = Of<typeof provider>;

export const settingValue = either(text, number, flag);
/** As in `ip -j -d link`: switches are true and false, times in the kernel's unit (settings.ts). */
export type SettingValue = Of<typeof settingValue>;
/** One misfit for the map: a thousand ports have thirty each. */
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
/** By the key of `ip -j -d link`, whatever name the scenario used. */
export type Settings = Of<typeof settings>;

const vlanRangeShape = {
  first: whole,
  last: whole,
  /** Incoming untagged frames belong to it. */
  pvid: flag,
  /** Its frames leave untagged. */
  untagged: flag,
};
/** VLANs `first` to `last`, 1 to 4094; flags as in bridge(8). */
export type VlanRange = Of<typeof vlanRangeShape>;

export const mirrorShape = {
  name: text,
  /** The port that is copied, or `all`. */
  select: text,
  output: text,
};
export type Mirror = Of<typeof mirrorShape>;

export const hostShape = {
  name: text,
  /** Its name for ssh(1), `root@hv2`; null in the lab: a namespace. */
  ssh: orNull(text),
  command: [text],
};
export type Host = Of<typeof hostShape>;

export const bridge = {
  name: text,
  /**
   * `routed`: no bridge; the host routes between its guests' ports. `lower`: no bridge; the host's device below
   * macvlan, macvtap or ipvlan guests, with the bridge's name.
   */
  kind: oneOf('linux', 'ovs', 'routed', 'lower'),
  /** Of Open vSwitch in the lab; else null. */
  datapath: orNull(oneOf('netdev', 'system')),
  settings,
  addresses: [ipPrefixShape],
  vlans: [vlanRangeShape],
  mirrors: [mirrorShape],
  /** On a host: the bridge device is down and gets nothing. Absent: it is up. */
  isDeviceDown: maybe(oneOf(true)),
  /** Path of its namespace; null = the orchestrator's, and in the lab. */
  netns: orNull(text),
};
/**
 * `name`, like bridge and port of an endpoint: HOST/NAME on another host than the orchestrator's
 * (core/model/host-names.ts).
 */
export type Bridge = Of<typeof bridge>;

export const endpointShape = {
  /** In rows and reports; HOST/NAME with several hosts. */
  name: text,
  /** Its bridge. */
  bridge: text,
  /** Interface on the bridge's host; null for `attach: host`, the relay's guest side for `promiscuous`. */
  port: orNull(text),
  /** On a host: the bridge between its own interface and `port`; absent = none. */
  hop: maybe(hop),
  /** The way to attach. */
  attach: oneOf(...attaches),
  /** Of macvlan, macvtap and ipvlan: the lower device; on a host absent until it was looked for. */
  below: maybe(below),
  /** Only guests are kept from each other. */
  role: roleShape,
  /** Rightful MACs, its source first. Empty on a host = not known. */
  macs: [text],
  /** With prefix; empty = no stack answers. */
  ips: [ipPrefixShape],
  /** Its default route; null = none. */
  gateway: orNull(text),
  /** Its tenant in `policy`; null = none. */
  zone: orNull(text),
  /** The guest that has this interface; endpoints of one owner are one party. Absent: a party alone. */
  owner: maybe(text),
  /** Nothing is sent to it or as it: `told` in the answer, or `missing` from the proof. Absent: examined. */
  observedOnly: maybe(oneOf('told', 'missing')),
  /** False: absent until a step starts it. */
  started: flag,
  /** Path of its namespace; null = not known, or a virtual machine. */
  netns: orNull(text),
  /** Of `attach: promiscuous`: the relay hands over every frame, not only the endpoint's. */
  promiscuous: flag,
  /** Of its port; empty = the bridge's. */
  vlans: [vlanRangeShape],
  /** Of its port. */
  settings,
  /** Lab: checksum and segmentation offloads. */
  offloads: flag,
  /** From a `generate` block. */
  generated: flag,
  /** It is the way to the segment's parts on other hosts, no guest: judged only if `observers` names it. */
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
  readonly hosts?: readonly Host[];
}

export const carriers = ['raw', 'arp', 'ipv4-udp', 'ipv4-tcp', 'ipv4-icmp', 'ipv6-udp', 'ipv6-icmp'] as const;
export const carrier = oneOf(...carriers);
export type Carrier = (typeof carriers)[number];

/**
 * Each file in core/probe/classes adds its own; this one is here, as traffic of programs, which has no class, is
 * compared with it.
 */
export interface ProbeClasses {
  readonly 'known-unicast': true;
}
export type ProbeClassName = keyof ProbeClasses;

/** Names are in the registry core/probe/classes.ts. */
export const className = leaf('a class of probes', (value): value is ProbeClassName => typeof value === 'string');

const seenAmount = either(oneOf('none', 'some', 'all'), number);
export type SeenAmount = Of<typeof seenAmount>;

export const seenClaimShape = {
  observer: text,
  from: orNull(text),
  to: orNull(text),
  carrier: orNull(text),
  /** Absent = any. */
  variant: maybe(text),
  seen: seenAmount,
};
/** A claim on every row of an observer; null in `from`, `to` and `carrier` means any. */
export type SeenClaim = Of<typeof seenClaimShape>;

/** As the author wrote it, selectors resolved; null = the default of the class. */
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
/** Fields of a frame that tests a rule. Its checksum is wrong, so that no stack takes it. */
export type SelectedFields = Of<typeof selectedFieldsShape>;

export interface ProbeEntry extends Allowance {
  readonly class: ProbeClassName;
  readonly from: readonly string[];
  /** null = by the class, or it takes no addressee. */
  readonly to: readonly string[] | null;
  readonly via: readonly string[] | null;
  readonly bothWays: boolean;
  /** False (`to: "*"`): only pairs on one bridge. */
  readonly acrossBridges: boolean;
  readonly count: number;
  /** Frames a second for the whole probe; null = the provider's default. */
  readonly rate: number | null;
  /** null = by class and the two ends. */
  readonly carriers: readonly Carrier[] | null;
  /** VLAN ids, outermost first; [[]] = untagged. */
  readonly vlanStacks: readonly (readonly number[])[];
  /** This and the next four: null = by class. */
  readonly srcMac: Mac | null;
  readonly dstMac: Mac | null;
  readonly srcIp: string | null;
  readonly dstIp: string | null;
  readonly group: string | null;
  /** Bytes without FCS; null = the least for the carrier, at least 60. */
  readonly size: number | null;
  /** Pairs by rounds; absent = all, sender by sender. */
  readonly rounds?: Rounds;
  readonly fields?: SelectedFields;
  readonly rule?: string;
  readonly form?: `hex:${string}`;
  /** For these, most of what they see is exposed, not leaked. */
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
  /** Of each answer's body, or each echo's data. */
  readonly bytes: number;
}

export const fdbEntry = {
  mac: text,
  port: text,
  state: oneOf('static', 'permanent', 'dynamic'),
  sticky: flag,
  vlan: orNull(whole),
  /** In the device's table, not the bridge's. */
  self: flag,
};
export type FdbEntry = Of<typeof fdbEntry>;

export const mdbEntry = {
  /** IPv4, IPv6 or a MAC. */
  group: text,
  port: text,
  vlan: orNull(whole),
};
export type MdbEntry = Of<typeof mdbEntry>;

export const portVlan = { ...vlanRangeShape, port: text };
export type PortVlan = Of<typeof portVlan>;

export const during = {
  atMs: number,
  run: [[text]],
  /** Changes until this long after its commands are its effects too. */
  settleMs: number,
};
export type During = Of<typeof during>;

const vouched = {
  reason: text,
  owner: orNull(text),
  ticket: orNull(text),
  /** Last day, `YYYY-MM-DD`; null = without end. */
  until: orNull(text),
};
export type Vouched = Of<typeof vouched>;

/** True if it is still accepted on that day, `YYYY-MM-DD`. */
export function isInForce({ until }: Vouched, day: string): boolean {
  return until === null || day <= until;
}

export const accepted = { ...vouched, observer: text, class: text };
export type Accepted = Of<typeof accepted>;

export const trusted = {
  ...vouched,
  /** As in the reason: `packet socket of suricata`. */
  what: text,
  /** As in the reason; null = anywhere. */
  where: orNull(text),
};
/** A possible bypass (`bypass-possible`) that is accepted. */
export type Trusted = Of<typeof trusted>;

export interface Expectation extends Allowance {
  readonly expected: 'holds' | 'broken' | null;
  /** Judged observers; null = every endpoint but the sender, on a host every other port too. */
  readonly observers: readonly string[] | null;
}

/** Results of a step's plain keys; each adds itself (core/scenario/schema/plain-step-keys.ts). */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- its members are beside the keys
export interface PlainStepKeys {}

export interface Step extends PlainStepKeys {
  readonly name: string;
  readonly line: number;
  /** In the file's order. */
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
  readonly run: readonly (readonly string[])[];
  readonly during: readonly During[];
  readonly learn: readonly string[];
  readonly probes: readonly ProbeEntry[];
  readonly traffic: readonly TrafficEntry[];
  /** Time of listening to guests' own frames; null = none. */
  readonly listenMs: number | null;
  readonly expect: Expectation;
  readonly accept: readonly Accepted[];
  readonly trust?: readonly Trusted[];
  readonly noReaders?: true;
}

/** SHA-256 of its bytes, hex. */
export const fileHash = { path: text, sha256: text };
export type FileHash = Of<typeof fileHash>;

/** The author's claims, validated: every name exists, every selector is resolved. */
export interface Scenario {
  readonly version: 1;
  readonly name: string;
  readonly description: string | null;
  readonly file: string;
  readonly sha256: string;
  /** Included, or named by its `run` commands. */
  readonly files: readonly FileHash[];
  /** Its commands may do no more than every scenario's; absent = not requested. */
  readonly mustBeFree?: boolean;
  readonly variables: Readonly<Record<string, string | number | boolean>>;
  /** Regular expression of the steps to judge; null = all. */
  readonly grep: string | null;
  readonly allowChanges: boolean;
  readonly allowDisruptive: boolean;
  /** Why not all ports have to be observed; null = all have to. */
  readonly partialScope: string | null;
  /** False: no frame tests rules that copy or move frames (`--rules 0`). */
  readonly asksRules?: false;
  readonly topology: Topology;
  readonly steps: readonly Step[];
}
