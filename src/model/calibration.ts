/**
 * A leak that was planted in a lab on the same kernel, with the same engine, right before a run, and whether it was
 * seen.
 */
export interface CalibrationRecord {
  readonly at: string;
  readonly durationMs: number;
  readonly engine: string;
  /** Frames that had to be overheard, and that were. */
  readonly planted: number;
  readonly seen: number;
}
