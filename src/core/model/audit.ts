import type { AuditId, DriftCode } from './codes.js';
import type { PersistentFix } from './fix.js';
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

export interface AuditReport {
  readonly auditVersion: 2;
  readonly bridges: readonly string[];
  /** Worst first. */
  readonly findings: readonly AuditFinding[];
  readonly settings: readonly AuditSetting[];
  readonly unread: readonly { readonly what: string; readonly why: string }[];
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
