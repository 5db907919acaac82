import type { FaultCode } from './reasons.js';
import { flag, leaf, type Of, oneOf, text } from './shape/shape.js';

/** Features of some scenarios (core/scenario/needed-features.ts), tried by system/state/try-features.ts. */
export const kernelFeatures = {
  'vlan-filtering': 'VLAN filtering of a bridge (CONFIG_BRIDGE_VLAN_FILTERING)',
  'igmp-snooping': 'multicast snooping and its table (CONFIG_BRIDGE_IGMP_SNOOPING)',
  stp: 'spanning tree',
  isolated: 'isolated ports (Linux 4.18)',
  'sticky-entries': 'sticky entries of the forwarding database (Linux 4.20)',
  locked: 'locked ports (Linux 5.16)',
  mab: 'MAC authentication bypass (Linux 6.2)',
  'fdb-limit': 'a limit on learned entries (Linux 6.7)',
  'nft-bridge': 'nftables in the family bridge (CONFIG_NF_TABLES_BRIDGE)',
  'tc-redirect': 'tc: clsact, u32, mirred (CONFIG_NET_SCH_INGRESS, NET_CLS_U32, NET_ACT_MIRRED)',
  'br-netfilter': 'iptables for bridged frames (br_netfilter)',
  ipv6: 'IPv6',
  'vlan-devices': '802.1Q devices (8021q)',
  macvlan: 'macvlan devices',
  ipvlan: 'ipvlan devices',
  vxlan: 'VXLAN tunnels between the hosts of a lab',
} as const;

export type KernelFeature = keyof typeof kernelFeatures;

const featureTrial = {
  feature: leaf(
    'a feature of the kernel',
    (value): value is KernelFeature => typeof value === 'string' && Object.hasOwn(kernelFeatures, value),
  ),
  works: flag,
  said: text,
};
/** `said`: its error. */
export type FeatureTrial = Of<typeof featureTrial>;

/** The message from the lab to its launcher. */
export const trialsShape = { runsAs: oneOf('root', 'user-namespace'), sysfs: flag, features: [featureTrial] };
export type TrialsMessage = Of<typeof trialsShape>;

export type LabTrial =
  | ({ readonly built: true } & TrialsMessage)
  | { readonly built: false; readonly code: FaultCode; readonly why: string; readonly mend: string };

/** State of a machine; null = absent. */
export interface MachineSnapshot {
  readonly kernel: string;
  readonly architecture: string;
  readonly node: string;
  readonly uid: number;
  /** CapEff of /proc/self/status. */
  readonly capabilities: string;
  /** 0 off, 1 strict, 2 filter. */
  readonly seccomp: number;
  readonly noNewPrivs: boolean;
  /** Of namespaces, by sysctl. */
  readonly limits: Readonly<Record<string, string>>;
  /** null = br_netfilter is not loaded. */
  readonly brNetfilter: Readonly<Record<string, string>> | null;
  readonly programs: Readonly<Record<string, string | null>>;
  readonly engines: readonly { readonly name: string; readonly version: string | null; readonly why: string | null }[];
  readonly lab: LabTrial;
}

/** If `missing`, it prevents all runs, or those of `neededBy`. */
export interface MachineCheck {
  readonly id: string;
  readonly state: 'ok' | 'note' | 'missing';
  readonly text: string;
  readonly mend: string | null;
  readonly neededBy: readonly string[];
}

export interface DoctorReport {
  readonly schemaVersion: 1;
  readonly tool: { readonly name: 'verify-isolation'; readonly version: string };
  readonly ok: boolean;
  readonly exitCode: 0 | 69;
  readonly groups: readonly { readonly title: string; readonly checks: readonly MachineCheck[] }[];
}

/** A capability for runs on a host. */
export interface HostRight {
  /** In CapEff (linux/capability.h). */
  readonly bit: number;
  /** No run on a host begins without it. */
  readonly isNeeded: boolean;
  /** The loss without it. */
  readonly cost: string;
}

const sysAdminBit = 21;

/** CAP_SYS_ADMIN includes CAP_BPF and CAP_PERFMON (capabilities(7)). */
export const hostRights = {
  CAP_NET_ADMIN: { bit: 12, isNeeded: true, cost: 'no device can be made and no rule be read' },
  CAP_NET_RAW: { bit: 13, isNeeded: true, cost: 'nothing can be captured or sent' },
  CAP_SYS_ADMIN: { bit: sysAdminBit, isNeeded: true, cost: 'no namespace can be made or entered' },
  CAP_SETPCAP: { bit: 8, isNeeded: true, cost: 'no helper can be started with less than all rights' },
  CAP_SYS_PTRACE: {
    bit: 19,
    isNeeded: false,
    cost: 'no process shows what it holds: packet sockets and taps count as those of strangers, and nothing holds',
  },
  CAP_SYSLOG: {
    bit: 34,
    isNeeded: false,
    cost: 'functions that BPF programs call have no names: programs that would be acquitted count as carrying frames',
  },
  CAP_DAC_READ_SEARCH: { bit: 2, isNeeded: false, cost: 'files that only other users may read are not read' },
  CAP_SETUID: { bit: 7, isNeeded: false, cost: 'helpers keep uid 0, and --strict refuses the run' },
  CAP_SETGID: { bit: 6, isNeeded: false, cost: 'helpers keep gid 0, and --strict refuses the run' },
  CAP_SYS_CHROOT: {
    bit: 18,
    isNeeded: false,
    cost: 'the process that judges captures is not shut in their folder, and --strict refuses the run',
  },
  CAP_BPF: { bit: 39, isNeeded: false, cost: 'BPF programs at devices are not listed' },
  CAP_PERFMON: { bit: 38, isNeeded: false, cost: "the kernel's trace of a step is not read" },
} as const satisfies Readonly<Record<string, HostRight>>;

function isLacking(capabilities: string, { bit }: HostRight): boolean {
  const set = BigInt(`0x${capabilities}`);
  const has = (at: number): boolean => ((set >> BigInt(at)) & 1n) === 1n;
  const isImplied = bit === hostRights.CAP_BPF.bit || bit === hostRights.CAP_PERFMON.bit;
  return !has(bit) && !(isImplied && has(sysAdminBit));
}

/** Rights for host runs missing from CapEff, in hexadecimal. */
export function lackingRights(capabilities: string): readonly (HostRight & { readonly name: string })[] {
  return Object.entries(hostRights).flatMap(([name, right]) =>
    isLacking(capabilities, right) ? [{ name, ...right }] : [],
  );
}
