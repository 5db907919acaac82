import { closeSync, writeSync } from 'node:fs';
import { VerifyError } from '../model/verify-error.js';
import type { Place } from '../model/fabric.js';
import type { HelperFault, SendRoute } from '../protocol/messages.js';
import { firstInheritedFd, startHelper, type HelperProcess } from '../sys/helper-process.js';
import { openSharedFile } from '../sys/shared-file.js';
import { sendInPieces } from './send-in-pieces.js';
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
   * Never rejects for what happens on the wire. Calls are carried out one after the other; the next may be made, and is at the helper, while one is carried out.
   */
  send(socket: string, frames: Uint8Array, length: number, perSecond: number | null): Promise<SendOutcome>;
  /** As `send`, on several sockets: the next `count` frames leave on each, in order. The first that the kernel refuses ends it. */
  sendRouted(routes: readonly SocketRoute[], frames: Uint8Array, length: number, perSecond: number | null): Promise<SendOutcome>;
  onFault(listener: (fault: HelperFault) => void): void;
  stop(): Promise<void>;
  kill(): void;
}

/** Octets of frames that go to the helper at once. */
const pieceOctets = 1 << 20;
/** While one piece is sent the next is at the helper: it would else have nothing to send whenever this process is busy. Each has its place in the file. */
const underWay = 2;
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

/** `file`: what the helper reads frames from; closed when it has ended. */
function sender(helper: HelperProcess<'send'>, exits: ReadonlyMap<string, SendingExit>, file: number): Sender {
  let id = 0;
  let alive = true;
  void helper.ended.then(() => {
    alive = false;
    closeSync(file);
  });

  function exitOf({ socket, count }: SocketRoute): SendRoute {
    const exit = exits.get(socket);
    if (exit === undefined) throw new VerifyError('protocol', 70, `there is no socket ${JSON.stringify(socket)}`, 'report this as a fault of verify-isolation');
    return { ...exit, count };
  }

  const { send, sendRouted, idle } = sendInPieces({ pieceOctets, answerMs, underWay }, ({ routes, frames, length, perSecond, withinMs }) => {
    if (!alive) return Promise.resolve({ accepted: 0, error: 'helper-died' });
    id += 1;
    const mine = id;
    const answer = helper.next('sent', (message) => message.id === mine, withinMs);
    const at = (mine % underWay) * pieceOctets;
    for (let done = 0; done < frames.length; ) done += writeSync(file, frames, done, frames.length - done, at + done);
    void helper.send({ type: 'send', id: mine, routes: routes.map(exitOf), length, perSecond, at, octets: frames.length });
    return answer;
  });

  return {
    pid: helper.pid,
    send,
    sendRouted,
    onFault: (listener) => void helper.subscribe((message) => (message.type === 'fault' ? listener(message) : undefined)),
    async stop() {
      await idle();
      void helper.send({ type: 'stop' });
      await helper.close();
    },
    kill: () => helper.kill(),
  };
}
