import { closeSync, fchownSync, openSync } from 'node:fs';
import { VerifyError } from '../model/verify-error.js';
import type { Counters, EngineFacts, Fault } from '../model/timeline.js';
import type { FromCapture, KeptFrame, ToCapture } from '../protocol/messages.js';
import { helperIdentity } from '../sys/helper-command.js';
import { firstInheritedFd, startHelper, type HelperProcess } from '../sys/helper-process.js';

export interface CaptureOptions {
  /** The pcapng file; with several processes `-2`, `-3`, … is put before its extension. None of them may exist. */
  readonly file: string;
  /** Observers are spread over so many helpers. */
  readonly processes?: number;
  /** Network namespace of the observed devices; null = this process's. */
  readonly netns?: string | null;
  /** The run's tag: frames that carry it are kept once the file cannot be written. */
  readonly runTag?: number | null;
  /** `run`: only frames that carry the run's tag are written, so that other people's traffic is not. */
  readonly only?: 'run' | 'all';
  readonly silentMs?: number | null;
}

export type ObserverRequest = Omit<Extract<ToCapture, { type: 'open' }>, 'type'>;

export interface Listening {
  readonly observer: string;
  readonly facts: EngineFacts;
  readonly version: string;
}

export interface CaptureStopped {
  readonly counters: Readonly<Record<string, Counters>>;
  readonly written: Readonly<Record<string, number>>;
  readonly kept: readonly KeptFrame[];
}

/** Capture helpers with all their observers. */
export interface Capture {
  readonly files: readonly string[];
  readonly pids: readonly number[];
  /** Resolves when all listen. Rejects with the VerifyError of the first that does not; the others are told as faults. */
  open(observers: readonly ObserverRequest[]): Promise<readonly Listening[]>;
  /** Afterwards nothing is opened. What the most privileged helper may do. */
  seal(): Promise<{ readonly uid: number; readonly capabilities: string; readonly filtered: boolean }>;
  /** Reads the counters and resolves when everything received until then is delivered; `drain-incomplete` is a fault, not a rejection. */
  mark(id: string): Promise<Readonly<Record<string, Counters>>>;
  /**
   * Drains to empty, closes the files and tells the helpers to end; with `cap` it also waits until they have, for they keep devices
   * promiscuous. Observers of a helper that died are missing from the result.
   */
  stop(): Promise<CaptureStopped>;
  /** Resolves when the helpers have ended: some 25 ms a handle after `stop`, which need not be waited for. */
  ended(): Promise<void>;
  /** Frames taken off all handles so far, of all observers; told at once, every 100 ms, while frames come every 10 to 30, and before a mark resolves. */
  onCounts(listener: (taken: number) => void): void;
  /** Faults with the observers that they concern: all of a helper's where the helper itself is at fault. */
  onFault(listener: (fault: Fault) => void): void;
  kill(): void;
}

/** Opening and draining take 10 to 30 ms a handle and up to 30 s in a flood. */
const openMs = 15_000;
const drainMs = 45_000;
const closeMs = 60_000;

interface Member {
  readonly helper: HelperProcess<'capture'>;
  readonly file: string;
  readonly observers: string[];
  /** Frames that it has taken so far. */
  taken: number;
  gone: boolean;
}

/** Starts the helpers, each with its own new file, which belongs to the user under sudo. Throws VerifyError `file-failed` (69) or `helper-died`. */
export async function startCapture(options: CaptureOptions): Promise<Capture> {
  const files = Array.from({ length: options.processes ?? 1 }, (_, at) => (at === 0 ? options.file : options.file.replace(/(\.[^./]*)?$/, `-${at + 1}$1`)));
  const started = await Promise.allSettled(files.map((file) => startMember(file, options)));
  const members = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  for (const each of started) {
    if (each.status === 'fulfilled') continue;
    for (const member of members) member.helper.kill();
    throw each.reason;
  }
  return capture(members);
}

async function startMember(file: string, options: CaptureOptions): Promise<Member> {
  const fd = newFile(file);
  try {
    const silentMs = options.silentMs === undefined ? {} : { silentMs: options.silentMs };
    const helper = await startHelper('capture', { netns: options.netns ?? null, fds: [fd], ...silentMs });
    await helper.send({ type: 'file', path: file, fd: firstInheritedFd, runTag: options.runTag ?? null, only: options.only ?? 'all' });
    return { helper, file, observers: [], taken: 0, gone: false };
  } finally {
    closeSync(fd);
  }
}

/** The helper has no right to make files in other people's folders: it inherits this one, open. */
function newFile(path: string): number {
  try {
    const fd = openSync(path, 'ax', 0o600);
    const owner = helperIdentity();
    if (owner !== null) fchownSync(fd, owner.uid, owner.gid);
    return fd;
  } catch (error) {
    throw new VerifyError('file-failed', 69, `the capture file cannot be made: ${error instanceof Error ? error.message : String(error)}`, 'choose another folder with --out');
  }
}

function capture(members: readonly Member[]): Capture {
  let promiscuous = false;
  const faultListeners = new Set<(fault: Fault) => void>();
  const countListeners = new Set<(taken: number) => void>();
  const total = (): number => members.reduce((sum, { taken }) => sum + taken, 0);
  for (const member of members) {
    member.helper.subscribe((message) => {
      if (message.type === 'counts') {
        member.taken = message.taken;
        for (const listener of countListeners) listener(total());
      }
      if (message.type !== 'fault') return;
      if (message.code === 'helper-died') member.gone = true;
      const observers = message.observer === null ? [...member.observers] : [message.observer];
      for (const listener of faultListeners) listener({ code: message.code, observers, text: message.message });
    });
  }
  const alive = (): readonly Member[] => members.filter((member) => !member.gone);

  return {
    files: members.map((member) => member.file),
    pids: members.map((member) => member.helper.pid),
    async open(observers) {
      const answers = observers.map((request, at) => {
        const member = members[at % members.length];
        if (member === undefined) throw new VerifyError('helper-died', 3, 'there is no capture helper', 'run again');
        member.observers.push(request.observer);
        return listening(member, request, observers.length);
      });
      const settled = await Promise.allSettled(answers);
      const opened = settled.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
      promiscuous ||= opened.some((each) => each.facts.engine === 'cap');
      for (const answer of settled) if (answer.status === 'rejected') throw answer.reason;
      return opened;
    },
    async seal() {
      const answers = await Promise.all(alive().map((member) => ask(member, { type: 'seal' }, 'sealed', () => true, openMs)));
      const [most] = [...answers].sort((a, b) => b.capabilities.localeCompare(a.capabilities));
      return { uid: most?.uid ?? 0, capabilities: most?.capabilities ?? '', filtered: answers.length > 0 && answers.every(({ filtered }) => filtered) };
    },
    async mark(id) {
      const answers = await Promise.all(alive().map((member) => ask(member, { type: 'mark', id }, 'marked', (message) => message.id === id, drainMs)));
      return Object.assign({}, ...answers.map((answer) => answer.counters));
    },
    async stop() {
      const answers = await Promise.allSettled(alive().map((member) => ask(member, { type: 'stop' }, 'stopped', () => true, drainMs)));
      const closed = Promise.all(members.map((member) => member.helper.close(closeMs)));
      if (promiscuous) await closed;
      const stopped = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
      return {
        counters: Object.assign({}, ...stopped.map((answer) => answer.counters)),
        written: Object.assign({}, ...stopped.map((answer) => answer.written)),
        kept: stopped.flatMap((answer) => answer.kept),
      };
    },
    ended: async () => void (await Promise.all(members.map((member) => member.helper.ended))),
    onCounts(listener) {
      countListeners.add(listener);
      listener(total());
    },
    onFault: (listener) => void faultListeners.add(listener),
    kill: () => members.forEach((member) => member.helper.kill()),
  };
}

type Answer<T extends FromCapture['type']> = Extract<FromCapture, { readonly type: T }>;

function ask<T extends FromCapture['type']>(member: Member, message: ToCapture, type: T, matches: (message: Answer<T>) => boolean, timeoutMs: number): Promise<Answer<T>> {
  const answer = member.helper.next(type, matches, timeoutMs);
  void member.helper.send(message);
  return answer;
}

/** Opens one observer; `together` are opened one after the other, so the last has to wait for all before it. */
function listening(member: Member, request: ObserverRequest, together: number): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const unsubscribe = member.helper.subscribe((message) => {
      if (message.type !== 'fault' || (message.observer !== null && message.observer !== request.observer)) return;
      unsubscribe();
      reject(new VerifyError(message.code, message.code === 'bad-filter' ? 64 : 69, message.message, 'see that the interface is there and up; to capture takes root or CAP_NET_RAW'));
    });
    ask(member, { type: 'open', ...request }, 'listening', (message) => message.observer === request.observer, openMs + together * 100)
      .then(({ observer, facts, version }) => resolve({ observer, facts, version }), reject)
      .finally(unsubscribe);
  });
}
