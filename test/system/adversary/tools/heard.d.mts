/** What one ear heard of a run's probes. */
export interface Heard {
  /** Different probes of the run. */
  readonly tokens: number;
  /** Where their tokens stood in the frames. */
  readonly offsets: readonly number[];
  /** All frames that came to it. */
  readonly frames: number;
  /** It heard what was sent to show that it hears, before and after. */
  readonly checked: boolean;
  /** What the kernel counted as received meanwhile. */
  readonly rx: number;
}

/** What each ear of a log heard of the run in that folder, of the step with that name. */
export declare function heardOf(logFile: string, runFolder: string, stepName?: string): Readonly<Record<string, Heard>>;
