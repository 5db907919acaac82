import type { Host } from '../../core/model/scenario.js';
import { type ErrorExit, VerifyError } from '../../core/model/verify-error.js';
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

/** A host that is reached through ssh, with `verify-isolation helper` on its side. */
export interface RemoteHost {
  readonly name: string;
  /**
   * Rejects with VerifyError: what the far side refused, with its code; `host-lost` (3) where the connection is gone or
   * no answer came in time.
   */
  ask<A extends HostAsk>(question: QuestionOf<A>, timeoutMs?: number): Promise<HostAnswers[A]>;
  /** What the far side says unasked. */
  onMessage(listener: (message: FromHost) => void): void;
  /** Called once when the connection is lost, with the reason; at once where it is already. */
  onLost(listener: (why: string) => void): void;
  /** Why the connection is lost; null = it is there. */
  readonly lost: string | null;
  /** Closes the connection: the far side undoes what is its own and ends. */
  end(): Promise<void>;
}

/** A login through jump hosts and slow directories takes its time. */
const readyMs = 60_000;
const answerMs = 60_000;
const endMs = 15_000;

/** Why nobody answers at a host, from how ssh ended (ssh(1): 255 is its own, any other the program's). */
function refusalOf(host: Host, { status, stderr }: ChannelEnd): VerifyError {
  const said = stderr
    .trim()
    .replaceAll(/\s*\n\s*/g, ' · ')
    .slice(-600);
  const start = `${host.name} (${host.ssh ?? ''})`;
  if (/host key verification failed|host identification has changed/i.test(stderr))
    return new VerifyError(
      'host-key',
      69,
      `${start}: its host key is not known, or not the known one: ${said}`,
      'compare the key with its administrator; ssh-keyscan and known_hosts are ssh(1)’s. Nothing was sent',
    );
  if (/permission denied/i.test(stderr) && status === 255)
    return new VerifyError(
      'host-refused',
      69,
      `${start}: it lets nobody in: ${said}`,
      'see that a key is there for a login without a question: ssh -o BatchMode=yes. Nothing was sent',
    );
  if (/between hosts:/.test(stderr))
    return new VerifyError(
      'host-refused',
      69,
      `${start}: what answers is not the helper of verify-isolation: ${said}`,
      'a shell that prints something at login spoils the channel: ssh -T with the same target must print nothing. Nothing was sent',
    );
  if (status === 255 || status === null)
    return new VerifyError(
      'host-unreachable',
      69,
      `${start} cannot be reached: ${said === '' ? 'ssh ended' : said}`,
      'try ssh -o BatchMode=yes with the same target. Nothing was sent',
    );
  if (status === 127)
    return new VerifyError(
      'host-lacks-program',
      69,
      `${start}: ${host.command.join(' ')} is not there: ${said}`,
      'install verify-isolation on it, or name it with `command` below the host. Nothing was sent',
    );
  return new VerifyError(
    'host-refused',
    69,
    `${start}: the helper there ended with status ${status}: ${said}`,
    'run it there by hand: verify-isolation doctor. Nothing was sent',
  );
}

const exits: readonly ErrorExit[] = [64, 69, 70, 3];

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: VerifyError) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Connects and compares versions and rights before anything is asked. Rejects with VerifyError (69):
 * `host-unreachable`, `host-key`, `host-refused`, `host-lacks-program`, `host-version`, `host-rights`.
 */
export async function connectHost(host: Host): Promise<RemoteHost> {
  const waiting = new Map<number, Waiting>();
  const listeners = new Set<(message: FromHost) => void>();
  const lostListeners = new Set<(why: string) => void>();
  let lost: string | null = null;
  // a login may take longer than a far side that is there may be silent: it is watched from its first word on
  const silence: { watch: SilenceWatch | null } = { watch: null };
  let ending = false;
  let next = 0;
  let ready: (message: Extract<FromHost, { type: 'ready' }>) => void = () => undefined;
  const greeted = new Promise<Extract<FromHost, { type: 'ready' }>>((resolve) => (ready = resolve));

  function lose(why: string): void {
    if (lost !== null || ending) return;
    lost = why;
    clearInterval(beat);
    silence.watch?.stop();
    for (const { reject, timer } of waiting.values()) {
      clearTimeout(timer);
      reject(lostError(host, why));
    }
    waiting.clear();
    for (const listener of lostListeners) listener(why);
    channel.kill();
  }
  function take(line: string): void {
    silence.watch?.heard();
    const message = parseFromHost(line);
    switch (message.type) {
      case 'ready':
        return ready(message);
      case 'answer':
      case 'refused': {
        const asked = waiting.get(message.id);
        if (asked === undefined) return;
        waiting.delete(message.id);
        clearTimeout(asked.timer);
        if (message.type === 'answer') asked.resolve(message.value);
        else
          asked.reject(
            new VerifyError(
              message.code,
              exits.find((exit) => exit === message.exit) ?? 3,
              `${host.name}: ${message.message}`,
              message.hint,
            ),
          );
        return;
      }
      case 'beat':
      case 'counts':
      case 'fault':
        for (const listener of listeners) listener(message);
    }
  }
  const channel = openSshChannel(host.ssh ?? '', [...host.command, 'helper'], take);
  const beat = setInterval(() => channel.send({ type: 'beat' }), beatMs);
  void channel.ended.then(({ status, stderr }) =>
    lose(`ssh ended with status ${status ?? 'none'}${stderr.trim() === '' ? '' : `: ${stderr.trim().slice(-300)}`}`),
  );

  const end = async (): Promise<void> => {
    ending = true;
    clearInterval(beat);
    silence.watch?.stop();
    await channel.end(endMs);
  };
  const first = await Promise.race([
    greeted,
    channel.ended,
    new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), readyMs).unref()),
  ]);
  if (first === 'late' || !('type' in first)) {
    if (first === 'late') channel.kill();
    const how = await channel.ended;
    ending = true;
    clearInterval(beat);
    silence.watch?.stop();
    throw refusalOf(
      host,
      first === 'late' ? { status: null, stderr: `nothing was heard within ${readyMs / 1000} s; ${how.stderr}` } : how,
    );
  }
  silence.watch = watchSilence(nearPatienceMs, (ms) => lose(`it has said nothing for ${Math.round(ms / 1000)} s`));
  const mine = toolVersion();
  if (first.version !== mine) {
    await end();
    throw new VerifyError(
      'host-version',
      69,
      `${host.name} has version ${first.version} of verify-isolation, here it is ${mine}`,
      'install the same on both. Nothing was sent',
    );
  }
  if (first.uid !== 0) {
    await end();
    throw new VerifyError(
      'host-rights',
      69,
      `${host.name}: the helper there runs as uid ${first.uid}, and listening and sending on bridge ports takes root`,
      'log in as root, or let `command` begin with sudo -n. Nothing was sent',
    );
  }
  return {
    name: host.name,
    get lost() {
      return lost;
    },
    ask: <A extends HostAsk>(question: QuestionOf<A>, timeoutMs = answerMs) =>
      new Promise<HostAnswers[A]>((resolve, reject) => {
        if (lost !== null) return reject(lostError(host, lost));
        const id = (next += 1);
        const timer = setTimeout(() => {
          waiting.delete(id);
          reject(lostError(host, `it has not answered ${question.ask} within ${timeoutMs / 1000} s`));
        }, timeoutMs);
        timer.unref();
        waiting.set(id, {
          timer,
          reject,
          resolve: (value) => {
            try {
              const ask: A = question.ask;
              resolve(parseAnswer(ask, value));
            } catch (error) {
              reject(error);
            }
          },
        });
        channel.send({ type: 'question', id, ...question });
      }),
    onMessage: (listener) => void listeners.add(listener),
    onLost: (listener) => (lost === null ? void lostListeners.add(listener) : listener(lost)),
    end,
  };
}

function lostError(host: Host, why: string): VerifyError {
  return new VerifyError(
    'host-lost',
    3,
    `the connection to ${host.name} was lost: ${why}`,
    'what it observed is not evidence; the helper there undoes what is its own by itself',
  );
}
