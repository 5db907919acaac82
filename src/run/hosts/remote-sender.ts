import type { Place } from '../../core/model/fabric.js';
import { sendInPieces } from '../../system/inject/send-in-pieces.js';
import type { Sender } from '../../system/inject/sender.js';
import type { RemoteHost } from './remote-host.js';

/** Octets of frames in one message. */
const pieceOctets = 256 * 1024;
const answerMs = 15_000;

/** A sender on another host, with the same face as one here: `error` is `host-lost` where the connection is gone. */
export async function startRemoteSender(
  host: RemoteHost,
  sender: string,
  places: Readonly<Record<string, Place>>,
): Promise<Sender> {
  const { pid } = await host.ask({ ask: 'sender', sender, places });
  const { send, sendRouted, idle } = sendInPieces(
    { pieceOctets, answerMs, underWay: 1 },
    ({ routes, frames, length, perSecond, withinMs }) =>
      host.ask(
        {
          ask: 'send',
          sender,
          routes,
          length,
          perSecond,
          frames: Buffer.from(frames.buffer, frames.byteOffset, frames.length).toString('base64'),
        },
        withinMs,
      ),
  );
  return {
    pid,
    send,
    sendRouted,
    onFault: () => undefined, // a sender that fails says so in its outcome
    async stop() {
      await idle();
      await host.ask({ ask: 'end-sender', sender }).catch(() => undefined);
    },
    kill: () => void host.ask({ ask: 'end-sender', sender }).catch(() => undefined),
  };
}
