const countsMs = 100;
/** A sender needs counts soon. */
const busyCountsMs = 10;

/** Source and target of a pump. */
export interface PumpParts {
  /** True = more is ready. */
  drain(): boolean;
  taken(): number;
  restMs(): number;
  /** null removes it. False = drain by the clock. */
  whenReady(listener: (() => void) | null): boolean;
  /** False = left out, as the reader is behind. */
  report(taken: number): boolean;
}

/** Drains as frames come. Reports counts every 100 ms, every 10 ms while frames come. */
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

  countAnew(): void {
    this.reported = { ...this.reported, taken: 0 };
  }

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
