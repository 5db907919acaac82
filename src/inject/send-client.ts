import { closeSync } from 'node:fs';
import { VerifyError } from '../model/verify-error.js';
import type { Place } from '../model/fabric.js';
import type { HelperFault } from '../protocol/messages.js';
import { firstInheritedFd, startHelper, type HelperProcess } from '../sys/helper-process.js';
import { openSendingSocket } from './sending-socket.js';

/** What the kernel took of what was to be sent; `error` (`ENETDOWN`, `helper-died`, …) says why not more. */
export interface SendOutcome {
  readonly accepted: number;
  readonly error: string | null;
}

/** The sending helper with a socket in every place. */
export interface Sender {
  readonly pid: number;
  /**
   * Sends frames of `length` octets, one after the other in `frames`, in order and paced; null = as fast as the kernel takes them.
   * Never rejects for what happens on the wire. Calls are carried out one after the other.
   */
  send(socket: string, frames: Uint8Array, length: number, perSecond: number | null): Promise<SendOutcome>;
  onFault(listener: (fault: HelperFault) => void): void;
  stop(): Promise<void>;
  kill(): void;
}

/** Octets of frames in one message: base64 of it is parsed in a millisecond or two, so that the heart goes on beating. */
const chunkBytes = 256 * 1024;
const answerMs = 10_000;

/** Starts the helper with a socket for each place, by name. Throws VerifyError where a socket cannot be opened or the helper does not start. */
export async function startSender(places: Readonly<Record<string, Place>>): Promise<Sender> {
  const names = Object.keys(places);
  const fds: number[] = [];
  try {
    for (const place of Object.values(places)) fds.push(openSendingSocket(place));
    const helper = await startHelper('send', { fds });
    const last = names.at(-1);
    const opened = last === undefined ? null : helper.next('opened', (message) => message.socket === last, answerMs);
    for (const [at, socket] of names.entries()) void helper.send({ type: 'adopt', socket, fd: firstInheritedFd + at });
    await opened;
    return sender(helper);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

function sender(helper: HelperProcess<'send'>): Sender {
  let id = 0;
  let previous: Promise<unknown> = Promise.resolve();

  async function sendAll(socket: string, frames: Uint8Array, length: number, perSecond: number | null): Promise<SendOutcome> {
    const step = Math.max(1, Math.floor(chunkBytes / length)) * length;
    let accepted = 0;
    for (let at = 0; at < frames.length; at += step) {
      const chunk = frames.subarray(at, at + step);
      id += 1;
      const mine = id;
      const expectedMs = perSecond === null ? 0 : (chunk.length / length / perSecond) * 1000;
      const answer = helper.next('sent', (message) => message.id === mine, expectedMs + answerMs);
      void helper.send({ type: 'send', id: mine, socket, length, perSecond, frames: Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('base64') });
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

  return {
    pid: helper.pid,
    send(socket, frames, length, perSecond) {
      const outcome = previous.then(() => sendAll(socket, frames, length, perSecond));
      previous = outcome;
      return outcome;
    },
    onFault: (listener) => void helper.subscribe((message) => (message.type === 'fault' ? listener(message) : undefined)),
    async stop() {
      await previous;
      void helper.send({ type: 'stop' });
      await helper.close();
    },
    kill: () => helper.kill(),
  };
}
