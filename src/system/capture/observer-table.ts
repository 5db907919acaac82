import type { Counters } from '../../core/model/timeline.js';
import { VerifyError } from '../../core/model/verify-error.js';
import type { OpenMessage, Watch } from '../../core/protocol/messages.js';
import { createEpoll } from '../kernel/epoll.js';
import type { CaptureFile } from './capture-file.js';
import { engineNamed, engines } from './choose-engine.js';
import type { EngineHandle, TakeFrame } from './engine.js';

export interface OpenObserver {
  readonly name: string;
  readonly device: string;
  readonly watch: Watch;
  /** Its interface in the file. */
  interface: number;
  readonly handle: EngineHandle;
  readonly version: string;
  /** Counters by kernel handle: what it says now, or said when its device went away. */
  counters(): readonly Counters[];
  /** Frames taken off the handles, stale ones included. */
  delivered: number;
  alive: boolean;
}

export interface ObserverTable {
  readonly all: readonly OpenObserver[];
  open(message: OpenMessage, file: CaptureFile): OpenObserver;
  /** After `rest`: the observer listens anew, with the handle that it has, into another file; null = it cannot. */
  again(message: OpenMessage, file: CaptureFile): OpenObserver | null;
  /** What still comes goes nowhere, and everything is counted from 0 again. */
  rest(): void;
  /** Drains what is ready; true = there is more. */
  drain(): boolean;
  /** While frames come, draining may wait for this long; the rings hold what comes meanwhile. */
  restMs(): number;
  /**
   * Calls `listener` from the event loop as long as there is something to drain; null = calls nobody. False = it
   * cannot, for an engine collects by itself.
   */
  whenReady(listener: (() => void) | null): boolean;
  /** Frames taken off all handles. */
  taken(): number;
  /** The link-watch's descriptor among the others. */
  watch(fd: number): void;
  /**
   * Nobody listens any more. Resolves when the handles are closed, as far as that takes less than the end of the
   * process.
   */
  close(): Promise<void>;
}

/** Frames taken from one observer, or from all that share a ring, before others have their turn. */
const budget = 4096;
const sharedBudget = 65_536;
const watchKey = 0xffff_ffff;
/** The smallest ring is full after some 20 ms at 600,000 frames/s. */
const restMsOfSmall = 5;

/**
 * The observers of one helper; `lost` is notified of one whose handle ended. Idle ones cost nothing: one epoll
 * descriptor stands for all.
 */
export function createObserverTable(
  lost: (observer: OpenObserver, error: VerifyError) => void,
  eventful: () => void,
): ObserverTable {
  const epoll = createEpoll();
  const all: OpenObserver[] = [];
  const takers: TakeFrame[] = [];
  /** Engines without descriptors collect by themselves. */
  const polled: number[] = [];
  let allTaken = 0;
  /** Of observers that have a ring each, where there are some; else the shared one says it. */
  let restOfSmall: number | null = null;
  let restOfShared = (): number => 0;

  function drainOne(key: number): boolean {
    const observer = all[key];
    const take = takers[key];
    if (observer === undefined || take === undefined || !observer.alive) return false;
    try {
      const most = observer.handle.shared === undefined ? budget : sharedBudget;
      const taken = observer.handle.drain(take, most);
      observer.delivered += taken;
      allTaken += taken;
      return taken >= most;
    } catch (error) {
      retire(observer);
      observer.handle.close();
      lost(
        observer,
        error instanceof VerifyError
          ? error
          : new VerifyError('open-failed', 70, String(error), 'report this as a fault of verify-isolation'),
      );
      return false;
    }
  }
  /** Where the frames of an observer go from now on. Gives the interface of the file. */
  function writeTo(file: CaptureFile, message: OpenMessage, handle: EngineHandle, key: number): number {
    const id = file.addInterface({
      name: message.device,
      description: message.description,
      filter: message.filter,
      snaplen: message.snaplen,
      ringIndex: handle.shared?.index ?? null,
    });
    const take: TakeFrame = (bytes, offset, captured, original, seconds, nanoseconds, outgoing) =>
      file.add(id, bytes, offset, captured, original, seconds, nanoseconds, outgoing);
    takers[key] = take;
    handle.shared?.takeWith({ interface: id, take, takeBlock: file.addRingBlock });
    return id;
  }
  function retire(observer: OpenObserver): void {
    const last = observer.handle.counters();
    observer.counters = () => last;
    observer.alive = false;
    observer.handle.descriptors.forEach((fd) => epoll.remove(fd));
  }

  return {
    all,
    open(message, file) {
      const handle = engineNamed(message.engine).open(message);
      const key = all.length;
      const observer: OpenObserver = {
        name: message.observer,
        device: message.device,
        watch: message.watch,
        interface: writeTo(file, message, handle, key),
        handle,
        version: engines[handle.facts.engine].version(),
        counters: () => handle.counters(),
        delivered: 0,
        alive: true,
      };
      all.push(observer);
      if (handle.shared === undefined) restOfSmall = restMsOfSmall;
      else restOfShared = handle.shared.restMs;
      if (handle.descriptors.length === 0 && handle.shared === undefined) polled.push(key);
      handle.descriptors.forEach((fd) => epoll.add(fd, key));
      return observer;
    },
    again(message, file) {
      const key = all.findIndex(({ name }) => name === message.observer);
      const observer = all[key];
      if (observer?.alive !== true || observer.handle.begin === undefined) return null;
      observer.interface = writeTo(file, message, observer.handle, key);
      observer.delivered = 0;
      observer.handle.begin(message.filter);
      return observer;
    },
    rest() {
      takers.fill(() => undefined);
      allTaken = 0;
    },
    drain() {
      const ready = epoll.ready();
      if (ready.includes(watchKey)) eventful();
      let more = ready.length >= 64;
      for (const key of ready) more = drainOne(key) || more;
      for (const key of polled) more = drainOne(key) || more;
      return more;
    },
    restMs: () => restOfSmall ?? restOfShared(),
    whenReady(listener) {
      if (polled.length > 0) return false;
      epoll.whenReady(listener);
      return true;
    },
    taken: () => allTaken,
    watch: (fd) => epoll.add(fd, watchKey),
    async close() {
      const open = all.filter(({ alive }) => alive);
      open.forEach(retire);
      await Promise.all(open.flatMap(({ handle }) => handle.closeBeside?.() ?? []));
    },
  };
}

/** All kernel handles of an observer together. */
export function sumCounters(counters: readonly Counters[]): Counters {
  return counters.reduce(
    (sum, counter) => ({
      received: sum.received + counter.received,
      dropped: sum.dropped + counter.dropped,
      delivered: sum.delivered + counter.delivered,
    }),
    { received: 0, dropped: 0, delivered: 0 },
  );
}
