const countsMs = 100;
/** While frames come, so that a sender knows soon what was taken. */
const busyCountsMs = 10;

/** What a pump drains, and what it reports to. */
export interface PumpParts {
  /** Takes frames that are ready; true = there is more. */
  drain(): boolean;
  /** Frames taken so far. */
  taken(): number;
  /** While frames come, draining may wait for this long, in ms. */
  restMs(): number;
  /**
   * Calls `listener` as long as there is something to drain; null = calls nobody. False = it cannot, so that draining
   * goes by the clock.
   */
  whenReady(listener: (() => void) | null): boolean;
  /** Reports how many frames were taken. False = the report was left out, for the other side takes nothing. */
  report(taken: number): boolean;
}

/**
 * Drains as often as frames come and no oftener, and reports how many were taken: every 100 ms, every 10 ms while
 * frames come.
 */
export class Pump {
  private reported = { atMs: 0, taken: 0 };
  private next: NodeJS.Timeout | undefined;
  private soon: NodeJS.Immediate | undefined;
  private heartbeat: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(private readonly parts: PumpParts) {}

  start(): void {
    this.heartbeat = setInterval(() => {
      this.turn();
      this.reportCounts();
    }, countsMs);
    this.turn();
  }

  /** Nothing is drained or reported any more. */
  stop(): void {
    this.isStopped = true;
    clearInterval(this.heartbeat);
    clearTimeout(this.next);
    clearImmediate(this.soon);
    this.parts.whenReady(null);
  }

  reportCounts(): void {
    if (this.isStopped) return;
    const taken = this.parts.taken();
    if (!this.parts.report(taken)) return;
    this.reported = { atMs: performance.now(), taken };
    this.heartbeat?.refresh();
  }

  /** Frames are counted from 0 again. */
  countAnew(): void {
    this.reported = { ...this.reported, taken: 0 };
  }

  /** Drains, and does so again when there is something to drain or to report. */
  private turn(): void {
    clearTimeout(this.next);
    clearImmediate(this.soon);
    if (this.isStopped) return;
    const { parts } = this;
    const turn = (): void => this.turn();
    const before = parts.taken();
    const more = parts.drain();
    const taken = parts.taken();
    if (taken !== this.reported.taken && performance.now() - this.reported.atMs >= busyCountsMs) this.reportCounts();
    const restMs = parts.restMs();
    const rests = restMs > 0 && taken !== before && !more;
    const woken = parts.whenReady(rests ? null : turn);
    if (more) this.soon = setImmediate(turn);
    else if (rests || !woken) this.next = setTimeout(turn, restMs);
    else if (taken !== this.reported.taken) this.next = setTimeout(turn, busyCountsMs);
  }
}
