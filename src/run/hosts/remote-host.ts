import type { Host } from '../../core/model/scenario.js';
import { errorExits, VerifyError } from '../../core/model/verify-error.js';
import {
  beatMs,
  type FromHost,
  type HostAnswers,
  type HostAsk,
  nearPatienceMs,
  type QuestionOf,
} from '../../core/protocol/host-messages.js';
import { parseAnswer, parseFromHost } from '../../core/protocol/parse-host-message.js';
import { type SilenceWatch, watchSilence } from '../../system/process/helper-process.js';
import { toolVersion } from '../../system/process/package-path.js';
import { type ChannelEnd, openSshChannel } from '../../system/process/ssh-channel.js';

/** A host behind ssh that runs `verify-isolation helper`. */
export interface RemoteHost {
  readonly name: string;
  /** Rejects with VerifyError: the far side's code, or `host-lost` (3) if the connection is gone or silent. */
  ask<A extends HostAsk>(question: QuestionOf<A>, timeoutMs?: number): Promise<HostAnswers[A]>;
  /** Unsolicited messages. */
  onMessage(listener: (message: FromHost) => void): void;
  /** Called once, at once if already lost. */
  onLost(listener: (why: string) => void): void;
  /** null = connected. */
  readonly lost: string | null;
  /** Ends the connection as if the network had gone. */
  giveUp(why: string): void;
  /** The far side undoes its changes and ends. */
  end(): Promise<void>;
}

/** Jump hosts and slow directories take time. */
const readyMs = 60_000;
const answerMs = 60_000;
const endMs = 15_000;
/** An interrupted run waits this long for another host. */
const interruptedMs = 1200;
/** More than an honest host can have. */
const maxNews = { faults: 1000, perSecond: 2000 } as const;

/** Exit status 255 is ssh's own, others are the program's (ssh(1)). */
function refusalOf(host: Host, { status, stderr }: ChannelEnd): VerifyError {
  const lastLine = stderr
    .trim()
    .replaceAll(/\s*\n\s*/g, ' · ')
    .slice(-600);
  const start = `${host.name} (${host.ssh ?? ''})`;
  if (/host key verification failed|host identification has changed/i.test(stderr))
    return new VerifyError(
      'host-key',
      69,
      `${start}: its host key is not known, or not the known one: ${lastLine}`,
      'compare the key with its administrator; ssh-keyscan and known_hosts are ssh(1)’s. Nothing was sent',
    );
  if (/permission denied/i.test(stderr) && status === 255)
    return new VerifyError(
      'host-refused',
      69,
      `${start}: it lets nobody in: ${lastLine}`,
      'see that a key is there for a login without a question: ssh -o BatchMode=yes. Nothing was sent',
    );
  if (/between hosts:/.test(stderr))
    return new VerifyError(
      'host-refused',
      69,
      `${start}: the answer is not from the helper of verify-isolation: ${lastLine}`,
      'a shell that prints something at login spoils the channel: ssh -T with the same target must print nothing. Nothing was sent',
    );
  if (status === 255 || status === null)
    return new VerifyError(
      'host-unreachable',
      69,
      `${start} cannot be reached: ${lastLine === '' ? 'ssh ended' : lastLine}`,
      'try ssh -o BatchMode=yes with the same target. Nothing was sent',
    );
  if (status === 127)
    return new VerifyError(
      'host-lacks-program',
      69,
      `${start}: ${host.command.join(' ')} is not there: ${lastLine}`,
      'install verify-isolation on it, or name it with `command` below the host. Nothing was sent',
    );
  return new VerifyError(
    'host-refused',
    69,
    `${start}: the helper there ended with status ${status}: ${lastLine}`,
    'run it there by hand: verify-isolation doctor. Nothing was sent',
  );
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: VerifyError) => void;
  readonly timer: NodeJS.Timeout;
}

type Ready = Extract<FromHost, { type: 'ready' }>;

class Connection implements RemoteHost {
  readonly name: string;
  lost: string | null = null;
  private readonly host: Host;
  private readonly waiting = new Map<number, Waiting>();
  private readonly listeners = new Set<(message: FromHost) => void>();
  private readonly lostListeners = new Set<(why: string) => void>();
  private readonly channel: ReturnType<typeof openSshChannel>;
  private readonly beat: NodeJS.Timeout;
  /** Starts with the first word: a login may take longer than the allowed silence. */
  private silence: SilenceWatch | null = null;
  private isEnding = false;
  private next = 0;
  private readonly news = { faults: 0, messages: 0, sinceMs: 0 };
  private readonly onAbort = (): void => void setTimeout(this.interrupt, interruptedMs).unref();
  private greet: (message: Ready) => void = () => undefined;
  private readonly greeted = new Promise<Ready>((resolve) => (this.greet = resolve));

  /** `signal`: ends it soon after an interruption, whatever the far side does. */
  constructor(host: Host, signal: AbortSignal | null) {
    this.host = host;
    this.name = host.name;
    this.channel = openSshChannel(host.ssh ?? '', [...host.command, 'helper'], (line) => this.take(line));
    this.beat = setInterval(() => this.channel.send({ type: 'beat' }), beatMs);
    signal?.addEventListener('abort', this.onAbort);
    void this.channel.ended.then(({ status, stderr }) => {
      signal?.removeEventListener('abort', this.onAbort);
      this.giveUp(
        `ssh ended with status ${status ?? 'none'}${stderr.trim() === '' ? '' : `: ${stderr.trim().slice(-300)}`}`,
      );
    });
    if (signal?.aborted === true) this.interrupt();
  }

  private readonly interrupt = (): void => {
    this.giveUp('the run was stopped');
    this.channel.kill();
  };

  /** Rejects with VerifyError (69). */
  async awaitReady(): Promise<Ready> {
    const first = await Promise.race([
      this.greeted,
      this.channel.ended,
      new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), readyMs).unref()),
    ]);
    if (first !== 'late' && 'type' in first) {
      this.silence = watchSilence(nearPatienceMs, (ms) =>
        this.giveUp(`it has said nothing for ${Math.round(ms / 1000)} s`),
      );
      return first;
    }
    if (first === 'late') this.channel.kill();
    const how = await this.channel.ended;
    this.stopWatching();
    const late = { status: null, stderr: `nothing was heard within ${readyMs / 1000} s; ${how.stderr}` };
    throw refusalOf(this.host, first === 'late' ? late : how);
  }

  readonly ask = <A extends HostAsk>(question: QuestionOf<A>, timeoutMs = answerMs): Promise<HostAnswers[A]> =>
    new Promise<HostAnswers[A]>((resolve, reject) => {
      if (this.lost !== null) return reject(lostError(this.host, this.lost));
      const id = (this.next += 1);
      const timer = setTimeout(() => {
        const why = `it has not answered ${question.ask} within ${timeoutMs / 1000} s`;
        this.waiting.delete(id);
        reject(lostError(this.host, why));
        this.giveUp(why); // observers there report it as their fault
      }, timeoutMs);
      timer.unref();
      const answered = (value: unknown): void => {
        const ask: A = question.ask;
        const answer = parseAnswer(ask, value);
        if (typeof answer !== 'string') return resolve(answer);
        const why = `its answer to ${ask} is none: ${answer}`;
        reject(lostError(this.host, why));
        this.giveUp(why);
      };
      this.waiting.set(id, { timer, reject, resolve: answered });
      this.channel.send({ type: 'question', id, ...question });
    });

  onMessage(listener: (message: FromHost) => void): void {
    this.listeners.add(listener);
  }

  onLost(listener: (why: string) => void): void {
    if (this.lost === null) this.lostListeners.add(listener);
    else listener(this.lost);
  }

  async end(): Promise<void> {
    this.stopWatching();
    await this.channel.end(endMs);
  }

  private stopWatching(): void {
    this.isEnding = true;
    clearInterval(this.beat);
    this.silence?.stop();
  }

  giveUp(why: string): void {
    if (this.lost !== null || this.isEnding) return;
    this.lost = why;
    clearInterval(this.beat);
    this.silence?.stop();
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(lostError(this.host, why));
    }
    this.waiting.clear();
    for (const listener of this.lostListeners) listener(why);
    this.channel.kill();
  }

  private take(line: string): void {
    this.silence?.restart();
    const message = parseFromHost(line);
    switch (message.type) {
      case 'ready':
        return this.greet(message);
      case 'answer':
      case 'refused':
        return this.takeAnswer(message);
      case 'beat':
      case 'counts':
      case 'fault':
        if (this.isFlood(message.type === 'fault')) return this.giveUp('it does not stop sending news');
        for (const listener of this.listeners) listener(message);
    }
  }

  private isFlood(isFault: boolean): boolean {
    const nowMs = performance.now();
    if (nowMs - this.news.sinceMs > 1000) Object.assign(this.news, { messages: 0, sinceMs: nowMs });
    this.news.messages += 1;
    if (isFault) this.news.faults += 1;
    return this.news.faults > maxNews.faults || this.news.messages > maxNews.perSecond;
  }

  private takeAnswer(message: Extract<FromHost, { type: 'answer' | 'refused' }>): void {
    const pending = this.waiting.get(message.id);
    if (pending === undefined) return;
    this.waiting.delete(message.id);
    clearTimeout(pending.timer);
    if (message.type === 'answer') {
      pending.resolve(message.value);
      return;
    }
    // A fault of the program there is a failure of that host, not of the program here.
    const exit = errorExits.find((known) => known === message.exit && known !== 70) ?? 3;
    pending.reject(new VerifyError(message.code, exit, `${this.name}: ${message.message}`, message.hint));
  }
}

/**
 * Compares versions and rights first. `signal` ends the connection within 2 s. Rejects with VerifyError (69):
 * `host-unreachable`, `host-key`, `host-refused`, `host-lacks-program`, `host-version`, `host-rights`.
 */
export async function connectHost(host: Host, signal: AbortSignal | null = null): Promise<RemoteHost> {
  const connection = new Connection(host, signal);
  const { version, uid } = await connection.awaitReady();
  const mine = toolVersion();
  if (version !== mine) {
    await connection.end();
    throw new VerifyError(
      'host-version',
      69,
      `${host.name} has version ${version} of verify-isolation, here it is ${mine}`,
      'install the same on both. Nothing was sent',
    );
  }
  if (uid !== 0) {
    await connection.end();
    throw new VerifyError(
      'host-rights',
      69,
      `${host.name}: the helper there runs as uid ${uid}, and listening and sending on bridge ports takes root`,
      'log in as root, or let `command` begin with sudo -n. Nothing was sent',
    );
  }
  return connection;
}

function lostError(host: Host, why: string): VerifyError {
  return new VerifyError(
    'host-lost',
    3,
    `the connection to ${host.name} was lost: ${why}`,
    'its captures are not evidence; the helper there undoes what is its own by itself',
  );
}
