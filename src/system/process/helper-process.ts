import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, writeFileSync } from 'node:fs';
import { messageOf, VerifyError } from '../../core/model/verify-error.js';
import { encodeLine, lineSplitter } from '../../core/protocol/lines.js';
import type { FromHelper, HelperFault, HelperRole, Ready, ToHelper } from '../../core/protocol/messages.js';
import { parseFromHelper } from '../../core/protocol/parse-message.js';
import { type FdChannel, openFdChannel, passFd } from '../kernel/fd-passing.js';
import { inNamespace } from '../kernel/namespaces.js';
import { procText } from '../kernel/proc-files.js';
import { refuseRings } from '../kernel/seccomp.js';
import { helperCommand } from './helper-command.js';
import { helperIdentity, type Identity, killChild } from './identity.js';
import { programEnv } from './programs.js';

export interface HelperOptions {
  /** Path of the network namespace. null = this process's. */
  readonly netns?: string | null;
  /** Silence that is a fault (`helper-silent`). Three times that kills the helper. null = no limit. */
  readonly silentMs?: number | null;
  readonly readyMs?: number;
}

/** A helper's end; `stderr`: its last part. */
export interface HelperEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

const silenceBeforeKill = 2;
const maxStarts = 12;

type Said<R extends HelperRole> = FromHelper[R] | HelperFault | Ready;
type OfType<R extends HelperRole, T extends string> = Extract<Said<R>, { readonly type: T }>;

/** The orchestrator's side of a helper. */
export interface HelperProcess<R extends HelperRole> {
  readonly pid: number;
  readonly version: string;
  /** Resolves when the pipe has the message. Ended helpers ignore it. */
  send(message: ToHelper[R]): Promise<void>;
  /** Call it before the message, and close your own. Throws VerifyError: `helper-died` (3), `open-failed` (69). */
  hand(fd: number): void;
  /** Rejects with VerifyError (3): `helper-died`, `helper-silent` after `timeoutMs`. */
  next<T extends string>(
    type: T,
    matches: (message: OfType<R, T>) => boolean,
    timeoutMs: number,
  ): Promise<OfType<R, T>>;
  /** All messages, with faults `helper-died` and `helper-silent`, until the result is called. */
  subscribe(listener: (message: Said<R>) => void): () => void;
  readonly ended: Promise<HelperEnd>;
  /** Closes its stdin, and kills it after `timeoutMs`. */
  close(timeoutMs?: number): Promise<HelperEnd>;
  kill(): void;
}

/**
 * Starts a helper in a network namespace, detached: Ctrl-C must not stop it before it drained. It has at most
 * CAP_NET_RAW, root's as nobody. It starts with nothing to steal. Until it hides, its user's processes may trace it and
 * take its descriptors (ptrace(2), pidfd_getfd(2)). Resolves when ready. Throws VerifyError (69).
 */
export async function startHelper<R extends HelperRole>(
  role: R,
  options: HelperOptions = {},
): Promise<HelperProcess<R>> {
  const identity = helperIdentity();
  const [program = '', ...parameters] = helperCommand(role, identity);
  const handing = openFdChannel();
  refuseRings();
  let child: ChildProcess;
  try {
    child = inNamespace(options.netns ?? null, () =>
      spawn(program, parameters, { detached: true, stdio: ['pipe', 'pipe', 'pipe', handing.there], env: programEnv() }),
    );
  } catch (error) {
    closeSync(handing.here);
    throw error;
  } finally {
    closeSync(handing.there);
  }
  yieldMemory(child.pid);
  const silentMs = options.silentMs === undefined ? 3000 : options.silentMs;
  const helper = new HelperAttendant({ role, child, identity, silentMs, handing });
  try {
    const idleMs = options.readyMs ?? 10_000;
    const maxMs = idleMs * maxStarts;
    await whileStarting(
      helper.next('ready', () => true, 2 * maxMs),
      { pid: helper.pid, idleMs, maxMs },
    );
    return helper;
  } catch (error) {
    helper.kill();
    const { stderr } = await helper.ended;
    const detail = stderr.trim() === '' ? messageOf(error) : stderr.trim();
    throw new VerifyError(
      'helper-died',
      69,
      `the ${role} helper does not start: ${detail}`,
      'it needs setpriv (util-linux)',
    );
  }
}

/** The kernel ends helpers before guests (proc_pid_oom_score_adj(5)), which the run reports. */
function yieldMemory(pid: number | undefined): void {
  try {
    writeFileSync(`/proc/${pid ?? 0}/oom_score_adj`, '1000');
  } catch {
    // /proc may be read-only in a container; a helper that ended reports itself
  }
}

interface Waiter<R extends HelperRole> {
  readonly take: (message: Said<R>) => boolean;
  readonly fail: (error: VerifyError) => void;
}

interface Attended<R extends HelperRole> {
  readonly role: R;
  readonly child: ChildProcess;
  /** Its present or later user. null = this process's. */
  readonly identity: Identity | null;
  readonly silentMs: number | null;
  readonly handing: FdChannel;
}

class HelperAttendant<R extends HelperRole> implements HelperProcess<R> {
  readonly pid: number;
  version = '';
  readonly ended: Promise<HelperEnd>;
  private readonly attended: Attended<R>;
  private readonly listeners = new Set<(message: Said<R>) => void>();
  private readonly waiters = new Set<Waiter<R>>();
  private readonly split = lineSplitter();
  private stderr = '';
  private end: HelperEnd | null = null;
  private isClosing = false;
  private giveUp: NodeJS.Timeout | undefined;
  private silence: SilenceWatch | null = null;

  constructor(attended: Attended<R>) {
    const { child } = attended;
    this.attended = attended;
    this.pid = child.pid ?? 0;
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => this.hear(chunk));
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => this.addStderr(chunk));
    child.stdin?.on('error', () => undefined); // EPIPE: it is gone, `ended` reports
    this.ended = new Promise((resolve) => {
      const finish = (status: number | null, signal: NodeJS.Signals | null): void =>
        resolve((this.end ??= this.finish(status, signal)));
      child.on('error', (error) => {
        this.addStderr(`${error.message}\n`);
        if (child.pid === undefined) finish(null, null);
      });
      child.on('close', finish);
    });
  }

  send(message: ToHelper[R]): Promise<void> {
    const { stdin } = this.attended.child;
    return new Promise((resolve) =>
      stdin?.writable === true ? stdin.write(encodeLine(message), () => resolve()) : resolve(),
    );
  }

  hand(fd: number): void {
    if (this.end !== null) throw this.hasEnded();
    passFd(this.attended.handing.here, fd);
  }

  next<T extends string>(
    type: T,
    matches: (message: OfType<R, T>) => boolean,
    timeoutMs: number,
  ): Promise<OfType<R, T>> {
    const { role } = this.attended;
    const isOfType = (message: Said<R>): message is OfType<R, T> => message.type === type;
    return new Promise((resolve, reject) => {
      if (this.end !== null) {
        reject(this.hasEnded());
        return;
      }
      const waiter: Waiter<R> = {
        take(message) {
          if (!isOfType(message) || !matches(message)) return false;
          clearTimeout(timer);
          resolve(message);
          return true;
        },
        fail(error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        this.waiters.delete(waiter);
        reject(
          new VerifyError(
            'helper-silent',
            3,
            `the ${role} helper has not said ${JSON.stringify(type)} within ${timeoutMs} ms`,
            'the machine may be overloaded; run again',
          ),
        );
      }, timeoutMs);
      timer.unref(); // only the helper's pipes keep the process alive
      this.waiters.add(waiter);
    });
  }

  subscribe(listener: (message: Said<R>) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  async close(timeoutMs = 2000): Promise<HelperEnd> {
    const { child } = this.attended;
    this.farewell();
    child.stdin?.end();
    const timer = setTimeout(() => this.kill(), timeoutMs);
    const end = await this.ended;
    clearTimeout(timer);
    return end;
  }

  kill(): void {
    if (this.end === null) killChild(this.attended.child, this.attended.identity);
  }

  private hasEnded(): VerifyError {
    return new VerifyError('helper-died', 3, `the ${this.attended.role} helper has ended`, 'run again');
  }

  private addStderr(text: string): void {
    this.stderr = (this.stderr + text).slice(-8192);
  }

  private hear(chunk: string): void {
    this.silence ??= this.isClosing ? null : this.beginWatch();
    this.silence?.restart();
    clearTimeout(this.giveUp);
    try {
      for (const line of this.split(chunk)) this.deliver(parseFromHelper[this.attended.role](line));
    } catch (error) {
      this.addStderr(`${messageOf(error)}\n`);
      this.kill();
    }
  }

  private beginWatch(): SilenceWatch {
    const { role, silentMs } = this.attended;
    return watchSilence(silentMs, (ms) => {
      const message = `the ${role} helper has said nothing for ${Math.round(ms)} ms`;
      this.deliver({ type: 'fault', code: 'helper-silent', observer: null, message });
      // It may be stopped or stuck: no user waits minutes for it, and its output so far counts.
      this.giveUp = setTimeout(() => this.kill(), silenceBeforeKill * ms);
    });
  }

  private deliver(message: Said<R>): void {
    if (message.type === 'ready') this.version = message.version;
    for (const waiter of [...this.waiters]) if (waiter.take(message)) this.waiters.delete(waiter);
    if (message.type === 'stopped') this.farewell();
    for (const listener of [...this.listeners]) listener(message);
  }

  /** It may be silent while the kernel closes its sockets. */
  private farewell(): void {
    this.isClosing = true;
    this.silence?.stop();
  }

  private finish(status: number | null, signal: NodeJS.Signals | null): HelperEnd {
    const { stderr } = this;
    this.silence?.stop();
    clearTimeout(this.giveUp);
    const how = signal === null ? `with status ${status ?? '?'}` : `by ${signal}`;
    const error = new VerifyError(
      'helper-died',
      3,
      `the ${this.attended.role} helper ended ${how}${stderr === '' ? '' : `: ${stderr.trim().slice(-500)}`}`,
      'its captures are not evidence; run again',
    );
    const end = { status, signal, stderr };
    this.end = end; // listeners may read it
    closeSync(this.attended.handing.here);
    if (!this.isClosing) this.deliver({ type: 'fault', code: 'helper-died', observer: null, message: error.message });
    for (const waiter of this.waiters) waiter.fail(error);
    this.waiters.clear();
    return end;
  }
}

/**
 * A process's processor time (proc_pid_stat(5), utime and stime) as a text that shows progress; `waits`: runnable. null
 * = gone.
 */
export function workOf(pid: number): { readonly done: string; readonly waits: boolean } | null {
  const stat = procText(`/proc/${pid}/stat`);
  // The command in parentheses may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A runnable process waits for a busy processor.
  return stat === '' ? null : { done: `${fields[11] ?? ''} ${fields[12] ?? ''}`, waits: fields[0] === 'R' };
}

/**
 * Waits for a starting process while it progresses, on however slow or busy a processor. Rejects as `ready`, or with
 * VerifyError (69) after `idleMs` without progress, or `maxMs`.
 */
export async function whileStarting<T>(
  ready: Promise<T>,
  { pid, idleMs, maxMs }: { readonly pid: number; readonly idleMs: number; readonly maxMs: number },
): Promise<T> {
  const began = performance.now();
  let last = workOf(pid)?.done;
  let watch: NodeJS.Timeout | undefined;
  const idle = new Promise<never>((_, reject) => {
    watch = setInterval(() => {
      const work = workOf(pid);
      const passedMs = Math.round(performance.now() - began);
      if (work === null) return; // gone: `ready` reports
      if ((work.done !== last || work.waits) && passedMs < maxMs) last = work.done;
      else
        reject(
          new VerifyError(
            'helper-died',
            69,
            `it has not said "ready" within ${passedMs} ms${passedMs < maxMs ? `, and has done nothing for ${idleMs} ms` : ''}`,
            'run it where the machine has time for it',
          ),
        );
    }, idleMs);
  });
  try {
    return await Promise.race([ready, idle]);
  } finally {
    clearInterval(watch);
  }
}

/** Detects silence. */
export interface SilenceWatch {
  restart(): void;
  stop(): void;
}

/**
 * Calls `silent` once for each silence above `maxMs` (null = never). A late timer of ours means that we did not listen:
 * the time restarts.
 */
export function watchSilence(maxMs: number | null, silent: (ms: number) => void): SilenceWatch {
  if (maxMs === null) return { restart: () => undefined, stop: () => undefined };
  const everyMs = maxMs / 4;
  let heardMs = performance.now();
  let lookedMs = heardMs;
  let reported = false;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    if (nowMs - lookedMs > 2 * everyMs) heardMs = nowMs;
    lookedMs = nowMs;
    if (reported || nowMs - heardMs <= maxMs) return;
    reported = true;
    silent(nowMs - heardMs);
  }, everyMs);
  timer.unref();
  return {
    restart() {
      heardMs = performance.now();
      reported = false;
    },
    stop: () => clearInterval(timer),
  };
}
