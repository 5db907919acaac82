import type { Counters } from '../../core/model/timeline.js';
import { VerifyError } from '../../core/model/verify-error.js';
import type { OpenMessage, Watch } from '../../core/protocol/messages.js';
import { createEpoll } from '../kernel/epoll.js';
import type { CaptureFile } from './capture-file.js';
import { engineNamed, engines } from './choose-engine.js';
import type { EngineHandle, TakeBlock, TakeFrame } from './engine.js';
import type { KernelSearch } from './kernel-search.js';

export interface OpenObserver {
  readonly name: string;
  readonly device: string;
  readonly watch: Watch;
  interface: number;
  readonly handle: EngineHandle;
  readonly version: string;
  /** The last ones after its device is gone. */
  counters(): readonly Counters[];
  delivered: number;
  alive: boolean;
}

const budget = 4096;
const sharedBudget = 65_536;
const watchKey = 0xffff_ffff;
/** At 600,000 frames/s the smallest ring fills in some 20 ms. */
const restMsOfSmall = 5;

/**
 * The observers of one helper; `lost` is notified of one whose handle ended, `eventful` of news of links. Idle ones
 * cost nothing: one epoll descriptor stands for all.
 */
export class ObserverTable {
  readonly observers: OpenObserver[] = [];
  private readonly lost: (observer: OpenObserver, error: VerifyError) => void;
  private readonly eventful: () => void;
  private readonly epoll = createEpoll();
  private readonly takers: TakeFrame[] = [];
  /** Engines without descriptors collect by themselves. */
  private readonly polled: number[] = [];
  private takenOff = 0;
  private restOfSmall: number | null = null;
  private restOfShared = (): number => 0;

  constructor(lost: (observer: OpenObserver, error: VerifyError) => void, eventful: () => void) {
    this.lost = lost;
    this.eventful = eventful;
  }

  async prepare(message: OpenMessage, search: KernelSearch | null): Promise<() => EngineHandle> {
    const engine = engineNamed(message.engine);
    const options = { ...message, search };
    return engine.prepare?.(options) ?? ((): EngineHandle => engine.open(options));
  }

  open(message: OpenMessage, file: CaptureFile, handle: EngineHandle): OpenObserver {
    const key = this.observers.length;
    const observer: OpenObserver = {
      name: message.observer,
      device: message.device,
      watch: message.watch,
      interface: this.writeTo(file, message, handle, key),
      handle,
      version: engines[handle.facts.engine].version(),
      counters: () => handle.counters(),
      delivered: 0,
      alive: true,
    };
    this.observers.push(observer);
    if (handle.shared === undefined) this.restOfSmall = restMsOfSmall;
    else this.restOfShared = handle.shared.restMs;
    if (handle.descriptors.length === 0 && handle.shared === undefined) this.polled.push(key);
    handle.descriptors.forEach((fd) => this.epoll.add(fd, key));
    return observer;
  }

  /** null = the handle cannot listen again. */
  again(message: OpenMessage, file: CaptureFile): OpenObserver | null {
    const key = this.observers.findIndex(({ name }) => name === message.observer);
    const observer = this.observers[key];
    if (observer?.alive !== true || observer.handle.begin === undefined) return null;
    observer.interface = this.writeTo(file, message, observer.handle, key);
    observer.delivered = 0;
    observer.handle.begin(message.filter);
    return observer;
  }

  rest(): void {
    this.takers.fill(() => undefined);
    this.takenOff = 0;
  }

  /** True = more is ready. */
  drain(): boolean {
    const ready = this.epoll.ready();
    if (ready.includes(watchKey)) this.eventful();
    let more = ready.length >= 64;
    for (const key of ready) more = this.drainObserver(key) || more;
    for (const key of this.polled) more = this.drainObserver(key) || more;
    return more;
  }

  /** The rings hold what comes meanwhile. */
  restMs(): number {
    return this.restOfSmall ?? this.restOfShared();
  }

  /** null removes it. False = an engine collects by itself, so poll. */
  whenReady(listener: (() => void) | null): boolean {
    if (this.polled.length > 0) return false;
    this.epoll.whenReady(listener);
    return true;
  }

  taken(): number {
    return this.takenOff;
  }

  watch(fd: number): void {
    this.epoll.add(fd, watchKey);
  }

  /** Leaves handles open that the process's end closes faster. */
  async close(): Promise<void> {
    const open = this.observers.filter(({ alive }) => alive);
    open.forEach((observer) => this.retire(observer));
    await Promise.all(open.flatMap(({ handle }) => handle.closeBeside?.() ?? []));
  }

  private drainObserver(key: number): boolean {
    const observer = this.observers[key];
    const take = this.takers[key];
    if (observer === undefined || take === undefined || !observer.alive) return false;
    try {
      const most = observer.handle.shared === undefined ? budget : sharedBudget;
      const taken = observer.handle.drain(take, most);
      observer.delivered += taken;
      this.takenOff += taken;
      return taken >= most;
    } catch (error) {
      this.retire(observer);
      observer.handle.close();
      this.lost(
        observer,
        error instanceof VerifyError
          ? error
          : new VerifyError('open-failed', 70, String(error), 'report this as a fault of verify-isolation'),
      );
      return false;
    }
  }

  private writeTo(file: CaptureFile, message: OpenMessage, handle: EngineHandle, key: number): number {
    const id = file.addInterface({
      name: message.device,
      description: message.description,
      filter: message.filter,
      snaplen: message.snaplen,
      ringIndex: handle.shared?.index ?? null,
    });
    const take: TakeFrame = (frame) => file.addFrame(id, frame);
    this.takers[key] = take;
    const takeBlock: TakeBlock = (block, frames) => file.addRingBlock(block, frames);
    handle.shared?.takeWith({ interface: id, take, takeBlock });
    return id;
  }

  private retire(observer: OpenObserver): void {
    const last = observer.handle.counters();
    observer.counters = () => last;
    observer.alive = false;
    observer.handle.descriptors.forEach((fd) => this.epoll.remove(fd));
  }
}

/** Sum over an observer's kernel handles. */
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
