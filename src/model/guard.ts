/**
 * What guests and the gateway were like before a run on a host sent anything: later moments are held against it.
 * `guard` of run.json.
 */
export interface GuardRecord {
  /** Frames that each port dropped in a second before the run. */
  readonly dropsPerSecond: Readonly<Record<string, number>>;
  /** The host's gateway in the namespace of the bridge; null = it has none. */
  readonly gateway: {
    readonly address: string /** Median of its answers in ms; null = it answered no ping, and is not watched. */;
    readonly medianMs: number | null;
  } | null;
}
