import type { SendOutcome, Sender, SocketRoute } from '../../inject/send-client.js';
import type { Place } from '../../model/fabric.js';
import { VerifyError } from '../../model/verify-error.js';
import type { RemoteHost } from './remote-host.js';

/** Octets of frames in one message. */
const chunkBytes = 256 * 1024;
const answerMs = 15_000;

/** A sender on another host, with the same face as one here: `error` is `host-lost` where the connection is gone. */
export async function startRemoteSender(host: RemoteHost, sender: string, places: Readonly<Record<string, Place>>): Promise<Sender> {
  const { pid } = await host.ask({ ask: 'sender', sender, places });
  let previous: Promise<unknown> = Promise.resolve();

  async function sendAll(routes: readonly SocketRoute[], frames: Uint8Array, length: number, perSecond: number | null): Promise<SendOutcome> {
    const most = Math.max(1, Math.floor(chunkBytes / length));
    let accepted = 0;
    for (const chunk of chunksOf(routes, most)) {
      const count = chunk.reduce((sum, route) => sum + route.count, 0);
      const part = frames.subarray(accepted * length, (accepted + count) * length);
      try {
        const expectedMs = perSecond === null ? 0 : (count / perSecond) * 1000;
        const outcome = await host.ask({ ask: 'send', sender, routes: chunk, length, perSecond, frames: Buffer.from(part.buffer, part.byteOffset, part.length).toString('base64') }, expectedMs + answerMs);
        accepted += outcome.accepted;
        if (outcome.error !== null) return { accepted, error: outcome.error };
      } catch (error) {
        // what had been sent of this piece is not known: it counts as not accepted
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
    pid,
    sendRouted,
    send: (socket, frames, length, perSecond) => sendRouted([{ socket, count: Math.floor(frames.length / length) }], frames, length, perSecond),
    onFault: () => undefined, // a sender that fails says so in its outcome
    async stop() {
      await previous;
      await host.ask({ ask: 'end-sender', sender }).catch(() => undefined);
    },
    kill: () => void host.ask({ ask: 'end-sender', sender }).catch(() => undefined),
  };
}

/** Routes cut into pieces of at most `most` frames, in order. */
function* chunksOf(routes: readonly SocketRoute[], most: number): Generator<readonly SocketRoute[]> {
  let chunk: SocketRoute[] = [];
  let room = most;
  for (const { socket, count } of routes) {
    for (let left = count; left > 0; ) {
      const taken = Math.min(left, room);
      chunk.push({ socket, count: taken });
      left -= taken;
      room -= taken;
      if (room > 0) continue;
      yield chunk;
      chunk = [];
      room = most;
    }
  }
  if (chunk.length > 0) yield chunk;
}
