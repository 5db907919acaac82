import { driftOf } from '../../../core/audit/drift.js';
import { withLastRead } from '../../../core/audit/drift-parts.js';
import { lastLinks } from '../../../core/audit/drift-settings.js';
import type { Drift } from '../../../core/model/audit.js';
import type { Snapshot } from '../../../core/model/state.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { openKernelEvents } from '../../../system/state/changes/events.js';
import { silentState } from '../../../system/state/changes/sysctl-changes.js';
import { readSnapshot } from '../../../system/state/read-snapshot.js';

/** A storm of events is one snapshot. */
const coalesceMs = 40;
/** Some changes cause no event. */
const pollMs = 300;
const idleMs = 60_000;
const retryMs = 1000;

export interface WatchCounts {
  readonly reads: number;
  readonly failures: number;
  readonly events: number;
  readonly overruns: number;
}

export interface WatchLoopOptions {
  readonly netns: string | null;
  readonly bridge: string | null;
  readonly baseline: Snapshot | null;
  readonly signal: AbortSignal;
  /** After the first snapshot, when listening has begun. */
  readonly onReady: (snapshot: Snapshot) => void;
  /** Changes since the last snapshot, and all differences from the baseline. */
  readonly onSnapshot: (
    snapshot: Snapshot,
    changed: readonly Drift[],
    open: readonly Drift[],
    counts: WatchCounts,
  ) => void;
  readonly onFailure: (error: VerifyError) => void;
}

/** Compares at each kernel event until the signal. Rejects if the first snapshot is unreadable. */
export async function watchLoop(options: WatchLoopOptions): Promise<void> {
  const { netns, signal } = options;
  const bell = new Bell(netns, signal);
  try {
    const first = await readSnapshot({ netns, complete: false });
    let [reads, failures] = [1, 0];
    const baseline = options.baseline ?? first;
    // what was read last of each part, and what could not be read at the last snapshot
    let [last, unread] = [baseline, baseline.state.unread];
    // a port that comes back is compared with the one of its name that was there last
    let earlier = lastLinks(baseline);
    bell.watch(first.state.links);
    options.onReady(first);
    if (options.baseline !== null) bell.ring(); // what differs already is reported at once
    while (!signal.aborted) {
      await bell.rung(idleMs);
      await bell.sleep(coalesceMs);
      if (signal.aborted) break;
      bell.hush();
      const began = performance.now();
      try {
        const now = await readSnapshot({ netns, complete: false });
        reads += 1;
        const counts = { reads, failures, ...bell.counts() };
        const { bridge } = options;
        const open = driftOf(baseline, now, { bridge });
        const changed = asRecoveries(driftOf(last, now, { bridge, unread, earlier }), open);
        options.onSnapshot(now, changed, open, counts);
        [last, unread, earlier] = [withLastRead(last, now), now.state.unread, lastLinks(now, earlier)];
        bell.watch(now.state.links);
      } catch (error) {
        if (!(error instanceof VerifyError)) throw error;
        failures += 1;
        options.onFailure(error);
        bell.ring();
        await bell.sleep(retryMs);
      }
      // No more than half of the time is spent on reading, however many events there are.
      await bell.sleep(performance.now() - began);
    }
  } finally {
    await bell.close();
  }
}

/** A change back to the baseline becomes information. */
export function asRecoveries(changed: readonly Drift[], open: readonly Drift[]): readonly Drift[] {
  const places = new Set(open.map(({ bridge, place }) => `${bridge ?? ''}\0${place}`));
  return changed.map((drift) =>
    places.has(`${drift.bridge ?? ''}\0${drift.place}`) || drift.code === 'unread'
      ? drift
      : { ...drift, severity: 'info' },
  );
}

class Bell {
  private readonly netns: string | null;
  private readonly signal: AbortSignal;
  private readonly events: ReturnType<typeof openKernelEvents>;
  private readonly poll: NodeJS.Timeout;
  private links: Snapshot['state']['links'] = [];
  private silent: string;
  private isRung = false;
  private wake: () => void = () => undefined;

  constructor(netns: string | null, signal: AbortSignal) {
    this.netns = netns;
    this.signal = signal;
    this.events = openKernelEvents(netns, () => this.ring());
    this.silent = silentOr(netns, this.links, '');
    this.poll = setInterval(() => this.look(), pollMs);
  }

  watch(links: Snapshot['state']['links']): void {
    this.links = links;
  }

  ring(): void {
    this.isRung = true;
    this.wake();
  }

  hush(): void {
    this.isRung = false;
  }

  rung(ms: number): Promise<void> {
    return this.isRung ? Promise.resolve() : this.wait(ms, true);
  }

  sleep(ms: number): Promise<void> {
    return this.wait(ms, false);
  }

  counts(): ReturnType<ReturnType<typeof openKernelEvents>['counts']> {
    return this.events.counts();
  }

  async close(): Promise<void> {
    clearInterval(this.poll);
    await this.events.close();
  }

  private look(): void {
    const now = silentOr(this.netns, this.links, 'not to be read');
    if (now !== this.silent) this.ring();
    this.silent = now;
  }

  private wait(ms: number, isWoken: boolean): Promise<void> {
    const { signal } = this;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
      if (isWoken) this.wake = end;
    });
  }
}

/** The next snapshot shows a lost namespace. */
function silentOr(netns: string | null, links: Snapshot['state']['links'], otherwise: string): string {
  try {
    return silentState(netns, links);
  } catch (error) {
    if (error instanceof VerifyError) return otherwise;
    throw error;
  }
}
