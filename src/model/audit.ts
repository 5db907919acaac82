import type { ProbeClassName } from './scenario.js';

export const severities = ['info', 'low', 'medium', 'high'] as const;
export type Severity = (typeof severities)[number];

/** One setting, or one thing found beside the settings, that lets something through. */
export interface AuditFinding {
  /** Stable: the name of the rule. */
  readonly id: string;
  readonly severity: Severity;
  /** The bridge it concerns; null = the whole host. */
  readonly bridge: string | null;
  /** What has the value: `br0.ageing_time`, `vnet0 ingress`, `/dev/vmnet8`. */
  readonly place: string;
  readonly value: string;
  /** The command or the file that told. */
  readonly readFrom: string;
  /** What it lets through. */
  readonly text: string;
  /** The class of probe that shows it on the wire; null where no probe does. */
  readonly probe: ProbeClassName | null;
  /** A command that can be pasted, or what to do; null where nothing needs to be done. */
  readonly fix: string | null;
}

/** A setting of the catalogue with the kernel's value; `unknown` = this kernel does not tell it, which is never the same as fine. */
export interface AuditSetting {
  readonly place: string;
  readonly value: string;
}

export type Reach = 'yes' | 'no' | 'unknown';

/** Whether frames of a class from one endpoint would reach another whom they are not meant for, or who is not to be reached so. */
export interface Prediction {
  readonly bridge: string;
  readonly class: ProbeClassName;
  readonly from: string;
  readonly observer: string;
  /** Pairs that fare alike and are told by this one: more than 1 on large bridges only. */
  readonly pairs: number;
  readonly reach: Reach;
  readonly why: string;
}

export interface AuditReport {
  readonly auditVersion: 1;
  readonly bridges: readonly string[];
  /** Worst first. */
  readonly findings: readonly AuditFinding[];
  readonly settings: readonly AuditSetting[];
  readonly predictions: readonly Prediction[];
  readonly unread: readonly { readonly what: string; readonly why: string }[];
}
