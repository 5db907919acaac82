import { VerifyError } from '../../core/model/verify-error.js';
import type { Sender, SendOutcome, SocketRoute } from '../../system/inject/sender.js';

/** A sender with its sockets. */
export interface SenderPart {
  readonly sender: Sender;
  readonly sockets: ReadonlySet<string>;
}

interface Interval {
  readonly sender: Sender;
  readonly routes: SocketRoute[];
  frames: number;
}

/** Senders on several hosts as one. Waits for each piece, so that order holds. */
export function joinSenders(parts: readonly SenderPart[]): Sender {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only.sender;
  const senderOf = (socket: string): Sender => {
    const sender = parts.find(({ sockets }) => sockets.has(socket))?.sender;
    if (sender === undefined)
      throw new VerifyError(
        'protocol',
        70,
        `there is no socket ${JSON.stringify(socket)}`,
        'report this as a fault of verify-isolation',
      );
    return sender;
  };
  async function sendRouted(
    routes: readonly SocketRoute[],
    frames: Uint8Array,
    length: number,
    perSecond: number | null,
  ): Promise<SendOutcome> {
    const intervals: Interval[] = [];
    for (const route of routes) {
      const sender = senderOf(route.socket);
      const last = intervals.at(-1);
      if (last?.sender === sender) {
        last.routes.push(route);
        last.frames += route.count;
      } else intervals.push({ sender, routes: [route], frames: route.count });
    }
    let accepted = 0;
    for (const { sender, routes: ofInterval, frames: count } of intervals) {
      const outcome = await sender.sendRouted(
        ofInterval,
        frames.subarray(accepted * length, (accepted + count) * length),
        length,
        perSecond,
      );
      accepted += outcome.accepted;
      if (outcome.error !== null || outcome.accepted < count) return { accepted, error: outcome.error };
    }
    return { accepted, error: null };
  }
  return {
    pid: parts[0]?.sender.pid ?? 0,
    sendRouted,
    send: (socket, frames, length, perSecond) => senderOf(socket).send(socket, frames, length, perSecond),
    onFault: (listener) => parts.forEach(({ sender }) => sender.onFault(listener)),
    stop: async () => void (await Promise.all(parts.map(({ sender }) => sender.stop()))),
    kill: () => parts.forEach(({ sender }) => sender.kill()),
  };
}
