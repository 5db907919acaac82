import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pump, type PumpParts } from '../../../../src/system/capture/pump.js';

/** Frames that wait, and what the pump did with them; `batch`: how many are taken at once. */
class Source implements PumpParts {
  waiting = 0;
  count = 0;
  drained = 0;
  reports: number[] = [];
  listener: (() => void) | null = null;
  canWake = true;
  restsMs = 0;
  isReportTaken = true;
  constructor(private readonly batch: number) {}
  drain(): boolean {
    this.drained += 1;
    const some = Math.min(this.waiting, this.batch);
    this.waiting -= some;
    this.count += some;
    return this.waiting > 0;
  }
  taken(): number {
    return this.count;
  }
  restMs(): number {
    return this.restsMs;
  }
  whenReady(listener: (() => void) | null): boolean {
    this.listener = listener;
    return this.canWake;
  }
  report(taken: number): boolean {
    if (this.isReportTaken) this.reports.push(taken);
    return this.isReportTaken;
  }
}

describe('a pump', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('reports every 100 ms, and drains no oftener where nothing comes', () => {
    const source = new Source(10);
    new Pump(source).start();
    vi.advanceTimersByTime(1000);
    expect(source.reports).toEqual(Array(10).fill(0));
    expect(source.drained).toBe(11);
  });

  it('drains at once when it is woken, and until nothing is left', () => {
    const source = new Source(10);
    new Pump(source).start();
    source.waiting = 35;
    source.listener?.();
    vi.advanceTimersByTime(9);
    expect([source.count, source.waiting]).toEqual([35, 0]);
  });

  it('reports within 10 ms what came', () => {
    const source = new Source(10);
    const pump = new Pump(source);
    pump.start();
    vi.advanceTimersByTime(50);
    pump.reportCounts();
    source.waiting = 3;
    source.listener?.();
    vi.advanceTimersByTime(10);
    expect(source.reports).toEqual([0, 3]);
  });

  it('lets frames gather where it may rest, and is not woken meanwhile', () => {
    const source = new Source(10);
    source.restsMs = 5;
    new Pump(source).start();
    source.waiting = 4;
    source.listener?.();
    expect(source.listener).toBeNull();
    source.waiting = 4;
    vi.advanceTimersByTime(4);
    expect(source.count).toBe(4);
    vi.advanceTimersByTime(1);
    expect(source.count).toBe(8);
  });

  it('goes by the clock where nobody can wake it', () => {
    const source = new Source(10);
    source.canWake = false;
    source.restsMs = 5;
    new Pump(source).start();
    vi.advanceTimersByTime(50);
    expect(source.drained).toBeGreaterThan(9);
  });

  it('reports again what was left out', () => {
    const source = new Source(10);
    source.isReportTaken = false;
    source.waiting = 2;
    new Pump(source).start();
    vi.advanceTimersByTime(100);
    source.isReportTaken = true;
    vi.advanceTimersByTime(10);
    expect(source.reports).toEqual([2]);
  });

  it('does nothing more once it is stopped', () => {
    const source = new Source(1);
    source.waiting = 100;
    const pump = new Pump(source);
    pump.start();
    const woken = source.listener;
    pump.stop();
    const before = source.count;
    woken?.();
    pump.reportCounts();
    vi.advanceTimersByTime(1000);
    expect([source.count - before, source.reports.length, source.listener]).toEqual([0, 0, null]);
  });
});
