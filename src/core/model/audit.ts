import type { AuditId, DriftCode } from './codes.js';
import type { PersistentFix } from './fix.js';
import type { Reason } from './reasons.js';
import type { ProbeClassName } from './scenario.js';

export const severities = ['info', 'low', 'medium', 'high'] as const;
export type Severity = (typeof severities)[number];

/** One setting, or one thing found beside the settings, that lets something through. */
export interface AuditFinding {
  /** Stable: the name of the rule. */
  readonly id: AuditId;
  readonly severity: Severity;
  /** The bridge it concerns; null = the whole host. */
  readonly bridge: string | null;
  /** What has the value: `br0.ageing_time`, `vnet0 ingress`, `/dev/vmnet8`. */
  readonly place: string;
  readonly value: string;
  /** The command or the file that reported. */
  readonly readFrom: string;
  /** What it lets through. */
  readonly text: string;
  /** The class of probe that shows it on the wire; null where no probe does. */
  readonly probe: ProbeClassName | null;
  /** A command that can be pasted, or what to do; null where nothing needs to be done. */
  readonly fix: string | null;
  /** Who loses what by it; absent where that is not known. */
  readonly cost?: string;
  /** Where a known program makes the bridge or the port: how the fix comes to stay. */
  readonly lasting?: readonly PersistentFix[];
}

/**
 * A setting of the catalogue with the kernel's value; `unknown` = this kernel does not report it, which is never the
 * same as fine.
 */
export interface AuditSetting {
  readonly place: string;
  readonly value: string;
}

export type Reach = 'yes' | 'no' | 'unknown';

/**
 * True if frames of a class from one endpoint would reach another whom they are not meant for, or who is not to be
 * reached so.
 */
export interface Prediction {
  readonly bridge: string;
  readonly class: ProbeClassName;
  readonly from: string;
  readonly observer: string;
  /** Pairs that behave alike and are reported by this one: more than 1 on large bridges only. */
  readonly pairs: number;
  readonly reach: Reach;
  readonly why: string;
}

/** What the wire showed of one finding: `shown`, `not-shown`, or nothing that decides it, and why. */
export interface FindingProof {
  readonly id: AuditId;
  readonly place: string;
  readonly outcome: 'shown' | 'not-shown' | 'open';
  readonly text: string;
}

/** Where the wire said otherwise than a prediction: the rule is at fault. */
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

/** An audit held against the wire. */
export interface AuditProof {
  /** The run's folder. */
  readonly evidence: string;
  /**
   * Rows by class: those that came as predicted, otherwise, and those that decide nothing (predicted unknown, or
   * nothing seen without complete proof).
   */
  readonly classes: readonly {
    readonly class: ProbeClassName;
    readonly agrees: number;
    readonly differs: number;
    readonly open: number;
  }[];
  readonly faults: readonly PredictionFault[];
  readonly findings: readonly FindingProof[];
  /** Why evidence is missing, by step. */
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

/** One thing that is no longer as it was. */
export interface Drift {
  /** Stable: `bridge-promiscuous`, `setting-changed`, `mac-moved`, … */
  readonly code: DriftCode;
  readonly severity: Severity;
  /** null = the whole host. */
  readonly bridge: string | null;
  readonly place: string;
  /** null = it was not there. */
  readonly before: string | null;
  /** null = it is gone. */
  readonly after: string | null;
  readonly text: string;
}
