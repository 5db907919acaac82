import type { AuditId, DriftCode } from './codes.js';
import type { PersistentFix } from './fix.js';
import type { Reason } from './reasons.js';
import type { ProbeClassName } from './scenario.js';

export const severities = ['info', 'low', 'medium', 'high'] as const;
export type Severity = (typeof severities)[number];

/** A setting, or another state, that lets frames through. */
export interface AuditFinding {
  readonly id: AuditId;
  readonly severity: Severity;
  /** null = the whole host. */
  readonly bridge: string | null;
  /** `br0.ageing_time`, `vnet0 ingress`, `/dev/vmnet8`. */
  readonly place: string;
  readonly value: string;
  readonly readFrom: string;
  readonly text: string;
  /** The class that shows it on the wire. */
  readonly probe: ProbeClassName | null;
  /** A command to paste, or an instruction. */
  readonly fix: string | null;
  /** Side effects of the fix. */
  readonly cost?: string;
  /** Absent unless a known program makes the bridge or port. */
  readonly lasting?: readonly PersistentFix[];
}

/** A setting with the kernel's value; `unknown` = this kernel does not report it, which is never fine. */
export interface AuditSetting {
  readonly place: string;
  readonly value: string;
}

export type Reach = 'yes' | 'no' | 'unknown';

/** Frames that would reach an observer that must not get them. */
export interface Prediction {
  readonly bridge: string;
  readonly class: ProbeClassName;
  readonly from: string;
  readonly observer: string;
  /** Pairs that behave alike, above 1 on large bridges only. */
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

/** A prediction that the wire contradicted. */
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
  /** Rows: as predicted, otherwise, undecided. */
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
  /** `bridge-promiscuous`, `mac-moved`, … */
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
