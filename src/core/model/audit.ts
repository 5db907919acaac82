import type { AuditId, DriftCode } from './codes.js';
import type { PersistentFix } from './fix.js';
import type { Reason } from './reasons.js';
import type { ProbeClassName } from './scenario.js';

export const severities = ['info', 'low', 'medium', 'high'] as const;
export type Severity = (typeof severities)[number];

/** A setting, or another thing found, that lets frames through. */
export interface AuditFinding {
  /** The rule's name; stable. */
  readonly id: AuditId;
  readonly severity: Severity;
  /** null = the whole host. */
  readonly bridge: string | null;
  /** `br0.ageing_time`, `vnet0 ingress`, `/dev/vmnet8`. */
  readonly place: string;
  readonly value: string;
  readonly readFrom: string;
  readonly text: string;
  /** The class of probe that shows it on the wire; null = none does. */
  readonly probe: ProbeClassName | null;
  /** A command to paste, or what to do; null = nothing. */
  readonly fix: string | null;
  /** The price of the fix, and who pays it; absent = not known. */
  readonly cost?: string;
  /** How to make the fix persistent, if a known program makes the bridge or port. */
  readonly lasting?: readonly PersistentFix[];
}

/** A setting with the kernel's value; `unknown` = this kernel does not report it, which is never fine. */
export interface AuditSetting {
  readonly place: string;
  readonly value: string;
}

export type Reach = 'yes' | 'no' | 'unknown';

/** Frames of a class that would reach an observer that must not get them. */
export interface Prediction {
  readonly bridge: string;
  readonly class: ProbeClassName;
  readonly from: string;
  readonly observer: string;
  /** Pairs that behave alike, reported once; above 1 on large bridges only. */
  readonly pairs: number;
  readonly reach: Reach;
  readonly why: string;
}

export interface FindingProof {
  readonly id: AuditId;
  readonly place: string;
  readonly outcome: 'shown' | 'not-shown' | 'open';
  readonly text: string;
}

/** The wire contradicted a prediction: the rule is at fault. */
export interface PredictionFault {
  readonly class: ProbeClassName;
  readonly carrier: string;
  readonly from: string;
  readonly to: string | null;
  readonly observer: string;
  readonly foretold: Reach;
  readonly why: string;
  readonly seen: number;
}

export interface AuditProof {
  readonly evidence: string;
  /** Rows by class: as predicted, otherwise, undecided (predicted unknown, or nothing seen without complete proof). */
  readonly classes: readonly {
    readonly class: ProbeClassName;
    readonly agrees: number;
    readonly differs: number;
    readonly open: number;
  }[];
  readonly faults: readonly PredictionFault[];
  readonly findings: readonly FindingProof[];
  readonly reasons: readonly { readonly step: string; readonly code: Reason['code']; readonly text: string }[];
}

export interface AuditReport {
  readonly auditVersion: 1;
  readonly bridges: readonly string[];
  /** Worst first. */
  readonly findings: readonly AuditFinding[];
  readonly settings: readonly AuditSetting[];
  readonly predictions: readonly Prediction[];
  readonly unread: readonly { readonly what: string; readonly why: string }[];
  /** `--prove` only. */
  readonly proof?: AuditProof;
}

export interface Drift {
  /** Stable: `bridge-promiscuous`, `setting-changed`, `mac-moved`, … */
  readonly code: DriftCode;
  readonly severity: Severity;
  /** null = the whole host. */
  readonly bridge: string | null;
  readonly place: string;
  /** null = it did not exist. */
  readonly before: string | null;
  /** null = it is gone. */
  readonly after: string | null;
  readonly text: string;
}
