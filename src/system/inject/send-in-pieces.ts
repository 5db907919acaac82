import { VerifyError } from '../../core/model/verify-error.js';
import type { Sender, SendOutcome, SocketRoute } from './sender.js';

/** Gives frames taken within `withinMs`. Rejects without an answer. */
export type SendPiece = (piece: {
  readonly routes: readonly SocketRoute[];
  readonly frames: Uint8Array;
  readonly length: number;
  readonly perSecond: number | null;
  readonly withinMs: number;
}) => Promise<SendOutcome>;

export interface PiecesOptions {
  readonly pieceBytes: number;
  /** Frames unanswered this long after their time count as not accepted. */
  readonly answerMs: number;
  /** A call begins with the last piece of the one before. */
  readonly underWay: number;
}

/** Sends calls in order, in pieces. */
export function sendInPieces(
  options: PiecesOptions,
  sendPiece: SendPiece,
): Pick<Sender, 'send' | 'sendRouted'> & { readonly idle: () => Promise<unknown> } {
  const { pieceBytes, underWay } = options;
  let calls: readonly Promise<unknown>[] = [];
  /** Resolves with the last call's last piece. */
  let begun: Promise<void> = Promise.resolve();
  const sendRouted: Sender['sendRouted'] = (routes, frames, length, perSecond) => {
    const turn = Promise.all([begun, calls.at(-underWay)]);
    let onLast = (): void => undefined;
    begun = new Promise((resolve) => (onLast = resolve));
    const pieces = piecesOf(routes, Math.max(1, Math.floor(pieceBytes / length)));
    const call = { pieces, frames, length, perSecond };
    const outcome = turn.then(() => sendAll(call, options, sendPiece, onLast)).finally(onLast);
    calls = [...calls, outcome].slice(-underWay);
    return outcome;
  };
  return {
    sendRouted,
    send: (socket, frames, length, perSecond) =>
      sendRouted([{ socket, count: Math.floor(frames.length / length) }], frames, length, perSecond),
    idle: () => Promise.all(calls),
  };
}

interface Call extends Omit<Parameters<SendPiece>[0], 'routes' | 'withinMs'> {
  readonly pieces: readonly (readonly SocketRoute[])[];
}

async function sendAll(
  { pieces, frames, length, perSecond }: Call,
  { answerMs, underWay }: PiecesOptions,
  sendPiece: SendPiece,
  onLast: () => void,
): Promise<SendOutcome> {
  let accepted = 0;
  for (const [at, routes] of pieces.entries()) {
    const count = routes.reduce((sum, route) => sum + route.count, 0);
    const expectedMs = perSecond === null ? 0 : (count / perSecond) * 1000;
    try {
      const sending = sendPiece({
        routes,
        frames: frames.subarray(accepted * length, (accepted + count) * length),
        length,
        perSecond,
        withinMs: underWay * (expectedMs + answerMs),
      });
      if (at === pieces.length - 1) onLast();
      const outcome = await sending;
      accepted += outcome.accepted;
      if (outcome.error !== null) return { accepted, error: outcome.error };
    } catch (error) {
      // how much of this piece was sent is unknown
      return { accepted, error: error instanceof VerifyError ? error.code : String(error) };
    }
  }
  return { accepted, error: null };
}

function piecesOf(routes: readonly SocketRoute[], most: number): readonly (readonly SocketRoute[])[] {
  const pieces: (readonly SocketRoute[])[] = [];
  let piece: SocketRoute[] = [];
  let room = most;
  for (const route of routes) {
    for (let remaining = route.count; remaining > 0; ) {
      const taken = Math.min(remaining, room);
      piece.push({ ...route, count: taken });
      remaining -= taken;
      room -= taken;
      if (room > 0) continue;
      pieces.push(piece);
      piece = [];
      room = most;
    }
  }
  if (piece.length > 0) pieces.push(piece);
  return pieces;
}
