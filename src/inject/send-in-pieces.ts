import { VerifyError } from '../model/verify-error.js';
import type { SendOutcome, Sender, SocketRoute } from './send-client.js';

/** Sends one piece, in at most `withinMs`, and says what the kernel took of it; rejects where nobody answers. */
export type SendPiece = (piece: { readonly routes: readonly SocketRoute[]; readonly frames: Uint8Array; readonly length: number; readonly perSecond: number | null; readonly withinMs: number }) => Promise<SendOutcome>;

/** How a sender sends, one call after the other: in pieces of at most `pieceOctets`. What nobody answers for within `answerMs` of its time counts as not accepted. */
export function sendInPieces(pieceOctets: number, answerMs: number, sendPiece: SendPiece): Pick<Sender, 'send' | 'sendRouted'> & { readonly idle: () => Promise<unknown> } {
  let previous: Promise<unknown> = Promise.resolve();

  async function sendAll(routes: readonly SocketRoute[], frames: Uint8Array, length: number, perSecond: number | null): Promise<SendOutcome> {
    let accepted = 0;
    for (const piece of piecesOf(routes, Math.max(1, Math.floor(pieceOctets / length)))) {
      const count = piece.reduce((sum, route) => sum + route.count, 0);
      const expectedMs = perSecond === null ? 0 : (count / perSecond) * 1000;
      try {
        const outcome = await sendPiece({ routes: piece, frames: frames.subarray(accepted * length, (accepted + count) * length), length, perSecond, withinMs: expectedMs + answerMs });
        accepted += outcome.accepted;
        if (outcome.error !== null) return { accepted, error: outcome.error };
      } catch (error) {
        // what had been sent of this piece is not known
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
    sendRouted,
    send: (socket, frames, length, perSecond) => sendRouted([{ socket, count: Math.floor(frames.length / length) }], frames, length, perSecond),
    idle: () => previous,
  };
}

/** Routes cut into pieces of at most `most` frames, in order. */
function* piecesOf(routes: readonly SocketRoute[], most: number): Generator<readonly SocketRoute[]> {
  let piece: SocketRoute[] = [];
  let room = most;
  for (const { socket, count } of routes) {
    for (let left = count; left > 0; ) {
      const taken = Math.min(left, room);
      piece.push({ socket, count: taken });
      left -= taken;
      room -= taken;
      if (room > 0) continue;
      yield piece;
      piece = [];
      room = most;
    }
  }
  if (piece.length > 0) yield piece;
}
