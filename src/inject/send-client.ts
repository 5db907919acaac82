import { closeSync, writeSync } from 'node:fs';
import { VerifyError } from '../model/verify-error.js';
import type { Place } from '../model/fabric.js';
import type { HelperFault, SendRoute } from '../protocol/messages.js';
import { firstInheritedFd, startHelper, type HelperProcess } from '../sys/helper-process.js';
import { openSharedFile } from '../sys/shared-file.js';
import { openSendingSocket, sendingInterface } from './sending-socket.js';

/** What the kernel took of what was to be sent; `error` (`ENETDOWN`, `helper-died`, …) says why not more. */
export interface SendOutcome {
  readonly accepted: number;
  readonly error: string | null;
}

/** So many frames, one after the other, on the socket of that name. */
export interface SocketRoute {
  readonly socket: string;
  readonly count: number;
}

/** The sending helper with a socket in every place. */
export interface Sender {
  readonly pid: number;
  /**
   * Sends frames of `length` octets, one after the other in `frames`, in order and paced; null = as fast as the kernel takes them.
   * Never rejects for what happens on the wire. Calls are carried out one after the other.
   */
  send(socket: string, frames: Uint8Array, length: number, perSecond: number | null): Promise<SendOutcome>;
  /** As `send`, on several sockets: the next `count` frames leave on each, in order. The first that the kernel refuses ends it. */
  sendRouted(routes: readonly SocketRoute[], frames: Uint8Array, length: number, perSecond: number | null): Promise<SendOutcome>;
  onFault(listener: (fault: HelperFault) => void): void;
  stop(): Promise<void>;
  kill(): void;
}

/** Octets of frames that go to the helper at once. */
const chunkBytes = 1 << 20;
const answerMs = 10_000;

/**
 * Starts the helper, which can send at each place, by name. It has one packet socket a network namespace: closing one takes the kernel
 * 12 ms. Throws VerifyError where that cannot be opened, an interface is not there, or the helper does not start.
 */
export async function startSender(places: Readonly<Record<string, Place>>): Promise<Sender> {
  const exits = new Map<string, SendingExit>();
  const sockets = new Map<string | null, { readonly name: string; readonly fd: number }>();
  const file = openSharedFile();
  try {
    for (const [name, place] of Object.entries(places)) {
      const socket = sockets.get(place.netns) ?? { name: String(sockets.size), fd: openSendingSocket(place.netns) };
      sockets.set(place.netns, socket);
      exits.set(name, { socket: socket.name, interface: sendingInterface(socket.fd, place.device) });
    }
    const opened = [...sockets.values()];
    const helper = await startHelper('send', { fds: [file, ...opened.map(({ fd }) => fd)] });
    void helper.send({ type: 'frames', fd: firstInheritedFd });
    const last = opened.at(-1)?.name;
    const adopted = last === undefined ? null : helper.next('opened', (message) => message.socket === last, answerMs);
    for (const [at, { name }] of opened.entries()) void helper.send({ type: 'adopt', socket: name, fd: firstInheritedFd + 1 + at });
    await adopted;
    return sender(helper, exits, file);
  } catch (error) {
    closeSync(file);
    throw error;
  } finally {
    for (const { fd } of sockets.values()) closeSync(fd);
  }
}

interface SendingExit {
  readonly socket: string;
  readonly interface: number;
}

/** The part of `routes` that frames from … from+count−1 leave by. */
function routesOf(routes: readonly SocketRoute[], exits: ReadonlyMap<string, SendingExit>, from: number, count: number): readonly SendRoute[] {
  const parts: SendRoute[] = [];
  let at = 0;
  for (const route of routes) {
    const [first, end] = [Math.max(at, from), Math.min(at + route.count, from + count)];
    at += route.count;
    if (end <= first) continue;
    const exit = exits.get(route.socket);
    if (exit === undefined) throw new VerifyError('protocol', 70, `there is no socket ${JSON.stringify(route.socket)}`, 'report this as a fault of verify-isolation');
    parts.push({ ...exit, count: end - first });
  }
  return parts;
}

/** `file`: what the helper reads frames from; closed when it has ended. */
function sender(helper: HelperProcess<'send'>, exits: ReadonlyMap<string, SendingExit>, file: number): Sender {
  let id = 0;
  let previous: Promise<unknown> = Promise.resolve();
  let alive = true;
  void helper.ended.then(() => {
    alive = false;
    closeSync(file);
  });

  async function sendAll(routes: readonly SocketRoute[], frames: Uint8Array, length: number, perSecond: number | null): Promise<SendOutcome> {
    const step = Math.max(1, Math.floor(chunkBytes / length)) * length;
    let accepted = 0;
    for (let at = 0; at < frames.length; at += step) {
      if (!alive) return { accepted, error: 'helper-died' };
      const chunk = frames.subarray(at, at + step);
      id += 1;
      const mine = id;
      const expectedMs = perSecond === null ? 0 : (chunk.length / length / perSecond) * 1000;
      const answer = helper.next('sent', (message) => message.id === mine, expectedMs + answerMs);
      for (let done = 0; done < chunk.length; ) done += writeSync(file, chunk, done, chunk.length - done, done);
      void helper.send({ type: 'send', id: mine, routes: routesOf(routes, exits, at / length, chunk.length / length), length, perSecond, octets: chunk.length });
      try {
        const outcome = await answer;
        accepted += outcome.accepted;
        if (outcome.error !== null) return { accepted, error: outcome.error };
      } catch (error) {
        // what the helper had sent of this chunk when it died is not known: it counts as not accepted
        return { accepted, error: error instanceof VerifyError ? error.code : String(error) };
      }
    }
    return { accepted, error: null };
  }

  function sendRouted(routes: readonly SocketRoute[], frames: Uint8Array, length: number, perSecond: number | null): Promise<SendOutcome> {
    const outcome = previous.then(() => sendAll(routes, frames, length, perSecond));
    previous = outcome;
    return outcome;
  }

  return {
    pid: helper.pid,
    send: (socket, frames, length, perSecond) => sendRouted([{ socket, count: Math.floor(frames.length / length) }], frames, length, perSecond),
    sendRouted,
    onFault: (listener) => void helper.subscribe((message) => (message.type === 'fault' ? listener(message) : undefined)),
    async stop() {
      await previous;
      void helper.send({ type: 'stop' });
      await helper.close();
    },
    kill: () => helper.kill(),
  };
}
