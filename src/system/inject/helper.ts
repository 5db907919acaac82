import { closeSync, writeSync } from 'node:fs';
import type { Place } from '../../core/model/fabric.js';
import { VerifyError } from '../../core/model/verify-error.js';
import type { SendRoute } from '../../core/protocol/messages.js';
import { driverOf } from '../kernel/ethtool.js';
import { namespaceIdentity } from '../kernel/namespaces.js';
import { openSharedFile } from '../kernel/fd-passing.js';
import { type HelperProcess, startHelper } from '../process/helper-process.js';
import { type SendPiece, sendInPieces } from './send-in-pieces.js';
import { openSendingSocket, type Sender, type SendOutcome, type SocketRoute, sendingInterface } from './sender.js';

type Places = Readonly<Record<string, Place>>;

/** Sends at named places until `stop`. Throws VerifyError. */
export async function startSender(places: Places): Promise<Sender> {
  const helper = await startSendingHelper(namespacesOf(places));
  try {
    const sender = helper.at(places);
    return {
      ...sender,
      async stop() {
        await sender.stop();
        await helper.end();
      },
    };
  } catch (error) {
    await helper.end();
    throw error;
  }
}

/** One packet socket per network namespace, as closing one takes 12 ms. */
export interface SendingHelper {
  /** True without faults and with all their namespaces. */
  serves(places: Places): boolean;
  /** Its `stop` keeps the helper. Throws VerifyError (69) `interface-gone`. */
  at(places: Places): Sender;
  end(): Promise<void>;
}

const pieceBytes = 1 << 20;
/** The helper has the next piece when this process is busy. */
const underWay = 2;
const answerMs = 10_000;
/** In transit: 277 descriptors fill a socket's buffer (net.core.wmem_default, measured). */
const maxHanded = 100;

/** The network namespaces of places. */
export function namespacesOf(places: Places): ReadonlySet<string | null> {
  return new Set(Object.values(places).map(({ netns }) => netns));
}

interface OpenSocket {
  readonly name: string;
  readonly fd: number;
}

/** A socket per namespace, null = this process's. `starting`: a helper already started. Throws VerifyError (69). */
export async function startSendingHelper(
  namespaces: ReadonlySet<string | null>,
  starting = startHelper('send'),
): Promise<SendingHelper> {
  const sockets = new Map<string, OpenSocket>();
  const closeSockets = (): void => {
    for (const { fd } of sockets.values()) closeSync(fd);
    sockets.clear();
  };
  starting.catch(() => undefined);
  try {
    for (const netns of namespaces) {
      const identity = namespaceIdentity(netns);
      if (!sockets.has(identity)) sockets.set(identity, { name: String(sockets.size), fd: openSendingSocket(netns) });
    }
    const helper = await starting;
    const file = openSharedFile();
    void helper.ended.then(() => {
      closeSockets();
      closeSync(file);
    });
    helper.hand(file);
    void helper.send({ type: 'frames' });
    await handSockets(helper, [...sockets.values()]);
    return new OpenSendingHelper(helper, sockets, file, closeSockets);
  } catch (error) {
    closeSockets();
    void starting.then(
      (helper) => helper.kill(),
      () => undefined, // it is gone
    );
    throw error;
  }
}

async function handSockets(helper: HelperProcess<'send'>, sockets: readonly OpenSocket[]): Promise<void> {
  for (let at = 0; at < sockets.length; at += maxHanded) {
    const part = sockets.slice(at, at + maxHanded);
    const last = part.at(-1)?.name;
    const adopted = helper.next('opened', (message) => message.socket === last, answerMs);
    for (const { name, fd } of part) {
      helper.hand(fd);
      void helper.send({ type: 'adopt', socket: name });
    }
    await adopted;
  }
}

class OpenSendingHelper implements SendingHelper {
  private id = 0;
  private isAlive = true;
  private isAtFault = false;

  constructor(
    private readonly helper: HelperProcess<'send'>,
    private readonly sockets: ReadonlyMap<string, OpenSocket>,
    private readonly file: number,
    private readonly closeSockets: () => void,
  ) {
    void helper.ended.then(() => (this.isAlive = false));
    helper.subscribe(({ type }) => (this.isAtFault ||= type === 'fault'));
  }

  serves(places: Places): boolean {
    const namespaces = [...namespacesOf(places)];
    return this.isAlive && !this.isAtFault && namespaces.every((netns) => this.sockets.has(namespaceIdentity(netns)));
  }

  at(places: Places): Sender {
    const { helper } = this;
    const exits = this.exitsOf(places);
    const unsubscribers: (() => void)[] = [];
    const { send, sendRouted, idle } = sendInPieces({ pieceBytes, answerMs, underWay }, (piece) =>
      this.sendPiece(
        piece,
        piece.routes.map((route) => routeOf(route, exits)),
      ),
    );
    return {
      pid: helper.pid,
      send,
      sendRouted,
      onFault: (listener) =>
        void unsubscribers.push(
          helper.subscribe((message) => (message.type === 'fault' ? listener(message) : undefined)),
        ),
      async stop() {
        await idle();
        for (const unsubscribe of unsubscribers) unsubscribe();
      },
      kill: () => helper.kill(),
    };
  }

  async end(): Promise<void> {
    this.closeSockets(); // before the helper's: the last to close waits for the kernel
    void this.helper.send({ type: 'stop' });
    await this.helper.close();
  }

  private exitsOf(places: Places): ReadonlyMap<string, Exit> {
    const identities = new Map([...namespacesOf(places)].map((netns) => [netns, namespaceIdentity(netns)] as const));
    return new Map(
      Object.entries(places).map(([name, { netns, device }]) => {
        const socket = this.sockets.get(identities.get(netns) ?? '');
        if (socket === undefined) throw unknownSocket(`there is no socket for ${JSON.stringify(name)}`);
        const index = sendingInterface(socket.fd, device);
        const counts = reportsDrops.includes(driverOf(socket.fd, device)) ? { countsDropped: true as const } : {};
        return [name, { socket: socket.name, interface: index, ...counts }];
      }),
    );
  }

  private async sendPiece(
    { frames, length, perSecond, withinMs }: Parameters<SendPiece>[0],
    routes: readonly SendRoute[],
  ): Promise<SendOutcome> {
    if (!this.isAlive) return { accepted: 0, error: 'helper-died' };
    this.id += 1;
    const { id } = this;
    const answer = this.helper.next('sent', (message) => message.id === id, withinMs);
    answer.catch(() => (this.isAtFault = true));
    const at = (id % underWay) * pieceBytes;
    for (let done = 0; done < frames.length; )
      done += writeSync(this.file, frames, done, frames.length - done, at + done);
    void this.helper.send({ type: 'send', id, routes, length, perSecond, at, bytes: frames.length });
    return answer;
  }
}

/**
 * ipvlan reports a full queue, which it lacks, for drops by its mode (ipvlan_queue_xmit and ipvlan_link_setup,
 * drivers/net/ipvlan).
 */
const reportsDrops: readonly (string | null)[] = ['ipvlan'];

type Exit = Omit<SendRoute, 'count' | 'size'>;

function routeOf({ socket, ...frames }: SocketRoute, exits: ReadonlyMap<string, Exit>): SendRoute {
  const exit = exits.get(socket);
  if (exit === undefined) throw unknownSocket(`there is no socket ${JSON.stringify(socket)}`);
  return { ...exit, ...frames };
}

function unknownSocket(text: string): VerifyError {
  return new VerifyError('protocol', 70, text, 'report this as a fault of verify-isolation');
}
