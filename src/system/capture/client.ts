import type { CountedPort } from '../../core/protocol/host-messages.js';
import type { Account, AccountWindow, Counters, EngineFacts, Fault } from '../../core/model/timeline.js';
import { VerifyError } from '../../core/model/verify-error.js';
import type { Captured, FromCapture, HelperFault, ToCapture } from '../../core/protocol/messages.js';
import type { HelperProcess } from '../process/helper-process.js';
import { type CaptureHelper, type CaptureOptions, type ObserverRequest, startCaptureHelper } from './helper.js';

export interface Listening {
  readonly observer: string;
  readonly facts: EngineFacts;
  readonly version: string;
}

/** Capture helpers and their observers. */
export interface Capture {
  readonly files: readonly string[];
  /** Stable once observers are opened. */
  pids(): readonly number[];
  /** Rejects with the first VerifyError, and reports the others as faults. */
  open(observers: readonly ObserverRequest[]): Promise<readonly Listening[]>;
  /** Ends opening. Gives the most privileged helper's rights. */
  seal(): Promise<{ readonly uid: number; readonly capabilities: string; readonly filtered: boolean }>;
  /** Resolves when all earlier frames are delivered. `drain-incomplete` is a fault, not a rejection. */
  mark(id: string, withAccounts?: boolean): Promise<Readonly<Record<string, Counters>>>;
  /** Counts frames leaving by these devices. Call it between `open` and `seal`. */
  count(accounts: Readonly<Record<string, CountedDevices>>): void;
  /** As `count`, on another host. */
  countThere(ports: readonly CountedPort[], pooled: boolean): Promise<Readonly<Record<string, Account>>>;
  /** Of the last mark with accounts, without unreadable ones. */
  accounts(): Readonly<Record<string, AccountWindow>>;
  /**
   * Drains, closes the files and ends the helpers. It waits for `cap` to end, which keeps devices promiscuous.
   * Observers of a dead helper are missing.
   */
  stop(): Promise<Captured>;
  /** Some 25 ms a handle after `stop`, or when the pool lets the helpers go. */
  ended(): Promise<void>;
  /** Every 100 ms, every 10 to 30 ms while frames come, and before a mark resolves. */
  onCounts(listener: (taken: number) => void): void;
  onFault(listener: (fault: Fault) => void): void;
  kill(): void;
}

/** Devices counted together, and the observers on them. */
export interface CountedDevices {
  readonly observers: readonly string[];
  readonly devices: readonly string[];
}

/** Opening and draining take 10 to 30 ms a handle, in a flood up to 30 s. */
const openMs = 15_000;
const drainMs = 45_000;
const closeMs = 60_000;

const nothing: Captured = { counters: {}, written: {}, kept: [] };

/** The new file is the user's under sudo. Throws VerifyError `file-failed` (69) or `helper-died`. */
export async function startCapture(options: CaptureOptions): Promise<Capture> {
  return captureInto(await startCaptureHelper(options), options.file);
}

/** A capture whose helper may rest afterwards. */
export interface RestfulCapture extends Capture {
  /** As `stop`, but a faultless helper rests if its engine can listen again. */
  rest(): Promise<{ readonly captured: Captured; readonly rests: boolean }>;
}

/**
 * A helper's capture into a file that does not exist; `over`: into the one that was begun. Throws VerifyError
 * `file-failed` (69); then the helper is killed.
 */
export async function captureInto(helper: CaptureHelper, file: string, over = false): Promise<RestfulCapture> {
  try {
    await helper.begin(file, over);
  } catch (error) {
    helper.process.kill();
    throw error;
  }
  return captureOf(helper, file);
}

function captureOf(helper: CaptureHelper, file: string): RestfulCapture {
  const session = new CaptureSession(helper);
  return {
    files: [file],
    pids: () => [helper.process.pid],
    open: (requests) => session.open(requests),
    seal: () => session.seal(),
    mark: (id, withAccounts) => session.mark(id, withAccounts),
    count: (accounts) => session.count(accounts),
    countThere: async () => ({}),
    accounts: () => session.windows,
    stop: () => session.stop(),
    rest: () => session.rest(),
    ended: async () => void (await helper.process.ended),
    onCounts: (listener) => session.reports.onCounts(listener),
    onFault: (listener) => session.reports.onFault(listener),
    kill: () => helper.process.kill(),
  };
}

/** Passes counts and faults to listeners. */
export class CaptureReports {
  private readonly faultListeners = new Set<(fault: Fault) => void>();
  private readonly countListeners = new Set<(taken: number) => void>();
  private taken = 0;

  onCounts(listener: (taken: number) => void): void {
    this.countListeners.add(listener);
    listener(this.taken);
  }

  onFault(listener: (fault: Fault) => void): void {
    this.faultListeners.add(listener);
  }

  count(taken: number): void {
    this.taken = taken;
    for (const listener of this.countListeners) listener(taken);
  }

  fault(fault: Fault): void {
    for (const listener of this.faultListeners) listener(fault);
  }
}

class CaptureSession {
  windows: Readonly<Record<string, AccountWindow>> = {};
  private readonly helper: CaptureHelper;
  private readonly process: HelperProcess<'capture'>;
  private readonly observers: string[] = [];
  readonly reports = new CaptureReports();
  private readonly unsubscribe: () => void;
  private isPromiscuous = false;
  private isSealed = false;
  private isGone = false;

  constructor(helper: CaptureHelper) {
    this.helper = helper;
    this.process = helper.process;
    this.unsubscribe = this.process.subscribe((message) => {
      if (message.type === 'counts') this.reports.count(message.taken);
      if (message.type === 'fault') this.hearFault(message);
    });
  }

  async open(requests: readonly ObserverRequest[]): Promise<readonly Listening[]> {
    this.observers.push(...requests.map(({ observer }) => observer));
    this.helper.listensTo(requests);
    const settled = await Promise.allSettled(
      requests.map((request) => listening(this.process, request, requests.length)),
    );
    const opened = settled.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    this.isPromiscuous ||= opened.some(({ facts }) => facts.engine === 'cap');
    for (const answer of settled) if (answer.status === 'rejected') throw answer.reason;
    return opened;
  }

  async seal(): ReturnType<Capture['seal']> {
    const answer = await this.answerOf({ type: 'seal' }, 'sealed', () => true, openMs);
    this.isSealed = answer !== null;
    return { uid: answer?.uid ?? 0, capabilities: answer?.capabilities ?? '', filtered: answer?.filtered ?? false };
  }

  async mark(id: string, withAccounts = false): ReturnType<Capture['mark']> {
    const mark = { type: 'mark', id, accounts: withAccounts } as const;
    const answer = await this.answerOf(mark, 'marked', (message) => message.id === id, drainMs);
    if (withAccounts) this.windows = answer?.accounts ?? {};
    return answer?.counters ?? {};
  }

  count(accounts: Readonly<Record<string, CountedDevices>>): void {
    for (const [account, { devices }] of Object.entries(accounts))
      void this.process.send({ type: 'count', account, devices });
  }

  async stop(): Promise<Captured> {
    const captured = await this.answerOf({ type: 'stop' }, 'stopped', () => true, drainMs).catch(() => null);
    await this.close();
    return captured ?? nothing;
  }

  async rest(): ReturnType<RestfulCapture['rest']> {
    if (!this.isSealed || !this.helper.canRest()) return { captured: await this.stop(), rests: false };
    const captured = await this.answerOf({ type: 'rest' }, 'rested', () => true, drainMs).catch(() => null);
    const rests = captured !== null && this.helper.canRest();
    if (rests) this.unsubscribe();
    else await this.close();
    return { captured: captured ?? nothing, rests };
  }

  private hearFault({ code, observer, message }: HelperFault): void {
    if (code === 'helper-died') this.isGone = true;
    const observers = observer === null ? [...this.observers] : [observer];
    this.reports.fault({ code, observers, text: message });
  }

  private async answerOf<T extends FromCapture['type']>(
    message: ToCapture,
    type: T,
    matches: (message: Answer<T>) => boolean,
    timeoutMs: number,
  ): Promise<Answer<T> | null> {
    return this.isGone ? null : ask(this.process, message, type, matches, timeoutMs);
  }

  private async close(): Promise<void> {
    const closed = this.process.close(closeMs);
    if (this.isPromiscuous) await closed;
  }
}

type Answer<T extends FromCapture['type']> = Extract<FromCapture, { readonly type: T }>;

function ask<T extends FromCapture['type']>(
  process: HelperProcess<'capture'>,
  message: ToCapture,
  type: T,
  matches: (message: Answer<T>) => boolean,
  timeoutMs: number,
): Promise<Answer<T>> {
  const answer = process.next(type, matches, timeoutMs);
  void process.send(message);
  return answer;
}

/** Observers are opened one after the other, so the last waits for all. */
function listening(process: HelperProcess<'capture'>, request: ObserverRequest, together: number): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const unsubscribe = process.subscribe((message) => {
      if (message.type !== 'fault' || (message.observer !== null && message.observer !== request.observer)) return;
      unsubscribe();
      reject(
        new VerifyError(
          message.code,
          message.code === 'bad-filter' ? 64 : 69,
          message.message,
          'see that the interface is there and up; to capture takes root or CAP_NET_RAW',
        ),
      );
    });
    ask(
      process,
      { type: 'open', ...request },
      'listening',
      (message) => message.observer === request.observer,
      openMs + together * 100,
    )
      .then(({ observer, facts, version }) => resolve({ observer, facts, version }), reject)
      .finally(unsubscribe);
  });
}
