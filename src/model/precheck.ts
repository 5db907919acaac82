/** Something on a host that a run there has to be read with: it acts on frames beside the bridge, or watches them. */
export interface PrecheckNote {
  /** Stable: the name of the audit rule that found it, or of the check. */
  readonly code: string;
  /** What it is: `vnet0 ingress`, `packet socket on br0`. */
  readonly place: string;
  readonly value: string;
  readonly text: string;
}

/** What was looked at before a run on a host. */
export interface Precheck {
  readonly notes: readonly PrecheckNote[];
  /** Why the run would say nothing, a line each; empty = it may begin. */
  readonly refusals: readonly string[];
}
