/** Where something was first seen: the frame's number in the capture and its time. */
export interface First {
  /** 1-based in evidence.pcapng; below 0: −n is the observer's nth kept frame of the step in timeline.ndjson. */
  readonly frame: number;
  readonly timeNs: bigint;
}
