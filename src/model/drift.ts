import type { Severity } from './audit.js';

/** One thing that is no longer as it was. */
export interface Drift {
  /** Stable: `bridge-promiscuous`, `setting-changed`, `mac-moved`, … */
  readonly code: string;
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
