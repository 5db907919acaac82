import type { ProgressEvent } from '../core/model/progress.js';

/** A view of a run while it goes on, on stderr. It never owns the run: nothing waits for it. */
export interface Progress {
  readonly onProgress: (event: ProgressEvent) => void;
  /** The run is over, well or not: the view ends and the terminal is as before. */
  readonly end: (ok: boolean) => Promise<void>;
}
