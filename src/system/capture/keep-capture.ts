import type { Fault } from '../../core/model/timeline.js';
import { namespaceIdentity } from '../kernel/namespaces.js';
import { type HelperProcess, startHelper } from '../process/helper-process.js';
import { type Capture, captureInto, type RestfulCapture } from './client.js';
import { type CaptureHelper, type CaptureOptions, type ObserverRequest, startCaptureHelper } from './helper.js';

/** Consecutive captures share a helper: its start takes longer than most steps. */
export interface CapturePool {
  /**
   * A stopped capture's helper rests, sealed, with handles that receive nothing. A next capture with the same observers
   * reuses it, unless it had a fault or an interface changed.
   */
  start(options: CaptureOptions): Promise<Capture>;
  /** Starts a helper early. null = this process's namespace. */
  warm(netns: string | null): void;
  end(): void;
}

interface Resting {
  readonly helper: CaptureHelper;
  readonly born: string;
}

interface Warm {
  readonly starting: Promise<HelperProcess<'capture'>>;
  readonly born: string;
}

function birthOf({ netns = null, runTag = null, only = 'all', silentMs }: CaptureOptions): string {
  return JSON.stringify([namespaceIdentity(netns), runTag, only, silentMs ?? null]);
}

/** A pool of one run: one helper rests at most. */
export function keepCapture(): CapturePool {
  let resting: Resting | null = null;
  let warm: Warm | null = null;

  function end(): void {
    void resting?.helper.process.close();
    resting = null;
    void warm?.starting.then(
      (helper) => helper.close(),
      () => undefined, // it is gone
    );
    warm = null;
  }
  function takeWarm({ netns = null, silentMs }: CaptureOptions): Warm['starting'] | undefined {
    if (warm?.born !== namespaceIdentity(netns) || silentMs !== undefined) return undefined;
    const { starting } = warm;
    warm = null;
    return starting;
  }
  function take(options: CaptureOptions, born: string): CaptureHelper | null {
    const { helper } = resting ?? {};
    if (
      helper === undefined ||
      resting?.born !== born ||
      !helper.canRest() ||
      options.observers === undefined ||
      !helper.knows(options.observers)
    )
      return null;
    resting = null;
    return helper;
  }

  return {
    async start(options) {
      const born = birthOf(options);
      const rested = take(options, born);
      const warmed = rested === null ? takeWarm(options) : undefined;
      if (rested === null) end();
      const first = rested ?? (await startCaptureHelper(options, warmed));
      return changeable(options, first, rested !== null, await captureInto(first, options.file), (helper) => {
        end();
        resting = { helper, born };
      });
    },
    warm(netns) {
      warm = { starting: startHelper('capture', { netns }), born: namespaceIdentity(netns) };
      warm.starting.catch(() => undefined); // thrown where it is awaited
    },
    end,
  };
}

/** Faults before observers open do not count: a change before a step may take an interface down. */
function changeable(
  options: CaptureOptions,
  first: CaptureHelper,
  rested: boolean,
  begun: RestfulCapture,
  rests: (helper: CaptureHelper) => void,
): Capture {
  let helper = first;
  let capture = begun;
  let settled = !rested;
  const onCounts: ((taken: number) => void)[] = [];
  const onFault: ((fault: Fault) => void)[] = [];

  async function settle(observers: readonly ObserverRequest[]): Promise<void> {
    if (settled) return;
    if (!(await helper.canServe(observers))) {
      helper.process.kill();
      helper = await startCaptureHelper(options);
      capture = await captureInto(helper, options.file, true);
      for (const listener of onCounts) capture.onCounts(listener);
    }
    settled = true;
    for (const listener of onFault) capture.onFault(listener);
  }

  return {
    files: [options.file],
    pids: () => capture.pids(),
    async open(observers) {
      await settle(observers);
      return capture.open(observers);
    },
    seal: () => capture.seal(),
    mark: (id, withAccounts) => capture.mark(id, withAccounts),
    count: (accounts) => capture.count(accounts),
    countThere: (ports, pooled) => capture.countThere(ports, pooled),
    accounts: () => capture.accounts(),
    async stop() {
      const { captured, rests: stays } = await capture.rest();
      if (stays) rests(helper);
      return captured;
    },
    ended: () => capture.ended(),
    onCounts(listener) {
      onCounts.push(listener);
      capture.onCounts(listener);
    },
    onFault(listener) {
      onFault.push(listener);
      if (settled) capture.onFault(listener);
    },
    kill: () => capture.kill(),
  };
}
