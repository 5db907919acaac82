import type { CountedPort } from '../../core/protocol/host-messages.js';
import type { Account, AccountWindow, Counters, EngineFacts, Fault } from '../../core/model/timeline.js';
import { VerifyError } from '../../core/model/verify-error.js';
import type { Captured, FromCapture, ToCapture } from '../../core/protocol/messages.js';
import type { HelperProcess } from '../process/helper-process.js';
import { type CaptureHelper, type CaptureOptions, type ObserverRequest, startCaptureHelper } from './helper.js';

export interface Listening {
  readonly observer: string;
  readonly facts: EngineFacts;
  readonly version: string;
}

/** Capture helpers with all their observers. */
export interface Capture {
  readonly files: readonly string[];
  /** Of the helpers; until observers are opened another one may take the place of one that rested. */
  pids(): readonly number[];
  /**
   * Resolves when all listen. Rejects with the VerifyError of the first that does not; the others are reported as
   * faults.
   */
  open(observers: readonly ObserverRequest[]): Promise<readonly Listening[]>;
  /** Afterwards nothing is opened. What the most privileged helper may do. */
  seal(): Promise<{ readonly uid: number; readonly capabilities: string; readonly filtered: boolean }>;
  /**
   * Reads the counters and resolves when everything received until then is delivered; `drain-incomplete` is a fault,
   * not a rejection. `withAccounts`: the accounts are read meanwhile.
   */
  mark(id: string, withAccounts?: boolean): Promise<Readonly<Record<string, Counters>>>;
  /** Counts what leaves by these devices, by account: between `open` and `seal`. */
  count(accounts: Readonly<Record<string, CountedDevices>>): void;
  /** On another host: counts what leaves by these ports there, and gives the accounts; likewise. */
  countThere(ports: readonly CountedPort[], pooled: boolean): Promise<Readonly<Record<string, Account>>>;
  /** What was read of the accounts at the last mark that asked for them; those that could not be read are missing. */
  accounts(): Readonly<Record<string, AccountWindow>>;
  /**
   * Drains to empty, closes the files and orders the helpers to end; with `cap` it also waits until they have, for
   * they keep devices promiscuous. Observers of a helper that died are missing from the result.
   */
  stop(): Promise<Captured>;
  /**
   * Resolves when the helpers have ended: some 25 ms a handle after `stop`, which need not be waited for; those that
   * are kept when they are let go.
   */
  ended(): Promise<void>;
  /**
   * Frames taken off all handles so far, of all observers; reported at once, every 100 ms, while frames come every 10
   * to 30, and before a mark resolves.
   */
  onCounts(listener: (taken: number) => void): void;
  /** Faults with the observers that they concern: all of a helper's where the helper itself is at fault. */
  onFault(listener: (fault: Fault) => void): void;
  kill(): void;
}

/** Devices that are counted together, and the observers of whose capture they are. */
export interface CountedDevices {
  readonly observers: readonly string[];
  readonly devices: readonly string[];
}

/** Opening and draining take 10 to 30 ms a handle and up to 30 s in a flood. */
const openMs = 15_000;
const drainMs = 45_000;
const closeMs = 60_000;

const nothing: Captured = { counters: {}, written: {}, kept: [] };

/**
 * Starts a helper with a new file, which belongs to the user under sudo. Throws VerifyError `file-failed` (69) or
 * `helper-died`.
 */
export async function startCapture(options: CaptureOptions): Promise<Capture> {
  return captureInto(await startCaptureHelper(options), options.file);
}

/** A capture after which its helper may stay. */
export interface RestfulCapture extends Capture {
  /** As `stop`, but the helper rests where it can: it was at no fault, and its engine listens anew. */
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
  const { process } = helper;
  const observers: string[] = [];
  let promiscuous = false;
  let sealed = false;
  let taken = 0;
  let gone = false;
  let windows: Readonly<Record<string, AccountWindow>> = {};
  const faultListeners = new Set<(fault: Fault) => void>();
  const countListeners = new Set<(taken: number) => void>();
  const unsubscribe = process.subscribe((message) => {
    if (message.type === 'counts') {
      ({ taken } = message);
      for (const listener of countListeners) listener(taken);
    }
    if (message.type !== 'fault') return;
    if (message.code === 'helper-died') gone = true;
    const concerned = message.observer === null ? [...observers] : [message.observer];
    for (const listener of faultListeners)
      listener({ code: message.code, observers: concerned, text: message.message });
  });
  /** The helper's answer; null where it is gone. */
  const answerOf = async <T extends FromCapture['type']>(
    message: ToCapture,
    type: T,
    matches: (message: Answer<T>) => boolean,
    timeoutMs: number,
  ): Promise<Answer<T> | null> => (gone ? null : ask(process, message, type, matches, timeoutMs));

  async function stop(): Promise<Captured> {
    const captured = await answerOf({ type: 'stop' }, 'stopped', () => true, drainMs).catch(() => null);
    await end();
    return captured ?? nothing;
  }
  async function end(): Promise<void> {
    const closed = process.close(closeMs);
    if (promiscuous) await closed;
  }

  return {
    files: [file],
    pids: () => [process.pid],
    async open(requests) {
      observers.push(...requests.map(({ observer }) => observer));
      helper.listensTo(requests);
      const settled = await Promise.allSettled(requests.map((request) => listening(process, request, requests.length)));
      const opened = settled.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
      promiscuous ||= opened.some((each) => each.facts.engine === 'cap');
      for (const answer of settled) if (answer.status === 'rejected') throw answer.reason;
      return opened;
    },
    async seal() {
      const answer = await answerOf({ type: 'seal' }, 'sealed', () => true, openMs);
      sealed = answer !== null;
      return { uid: answer?.uid ?? 0, capabilities: answer?.capabilities ?? '', filtered: answer?.filtered ?? false };
    },
    async mark(id, withAccounts = false) {
      const mark = { type: 'mark', id, accounts: withAccounts } as const;
      const answer = await answerOf(mark, 'marked', (message) => message.id === id, drainMs);
      if (withAccounts) windows = answer?.accounts ?? {};
      return answer?.counters ?? {};
    },
    count(accounts) {
      for (const [account, { devices }] of Object.entries(accounts))
        void process.send({ type: 'count', account, devices });
    },
    countThere: async () => ({}),
    accounts: () => windows,
    stop,
    async rest() {
      if (!sealed || !helper.canRest()) return { captured: await stop(), rests: false };
      const captured = await answerOf({ type: 'rest' }, 'rested', () => true, drainMs).catch(() => null);
      const rests = captured !== null && helper.canRest();
      if (rests) unsubscribe();
      else await end();
      return { captured: captured ?? nothing, rests };
    },
    ended: async () => void (await process.ended),
    onCounts(listener) {
      countListeners.add(listener);
      listener(taken);
    },
    onFault: (listener) => void faultListeners.add(listener),
    kill: () => process.kill(),
  };
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

/** Opens one observer; `together` are opened one after the other, so the last has to wait for all before it. */
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
