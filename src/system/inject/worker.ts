import { readSync } from 'node:fs';
import { VerifyError } from '../../core/model/verify-error.js';
import type { ToSend } from '../../core/protocol/messages.js';
import { isPacketSocket } from '../kernel/packet-socket.js';
import { type HelperChannel, openHelperChannel } from '../process/helper-channel.js';
import { toolVersion } from '../process/package-path.js';
import { sealHelper } from '../process/seal-helper.js';
import { sendFrames } from './send-frames.js';

const beatMs = 100;
const maxLength = 65_535;
const maxBytes = 64 << 20;

/** The role `send`: puts frames on packet sockets that it inherited (core/protocol/messages.ts). */
export function sendWorker(): void {
  openHelperChannel('send', toolVersion(), serve);
}

function serve(channel: HelperChannel<'send'>): { message(message: ToSend): Promise<void> | void; end(): void } {
  const sockets = new Map<string, number>();
  /** The file in memory that frames come in; null = it was not named. */
  let file: number | null = null;
  let buffer = Buffer.alloc(0);
  let ending = false;
  /** The rate of the last frames, and when the next are due at it. */
  let paced: { readonly perSecond: number | null; readonly nextMs: number } = { perSecond: null, nextMs: 0 };
  let sealed = false;
  const heartbeat = setInterval(() => channel.say({ type: 'beat' }), beatMs);

  function keep(socket: string, fd: number): void {
    if (sockets.has(socket)) throw refused(`socket ${JSON.stringify(socket)} is open already`);
    sockets.set(socket, fd);
    channel.say({ type: 'opened', socket });
  }
  function leave(status: number): void {
    ending = true;
    clearInterval(heartbeat);
    channel.exit(status);
  }
  function framesOf(start: number, bytes: number): Buffer {
    if (file === null) throw refused('no file with frames was named');
    if (bytes > maxBytes) throw refused(`${bytes} bytes are more than ${maxBytes}`);
    if (buffer.length < bytes) buffer = Buffer.alloc(bytes);
    for (let at = 0; at < bytes; ) {
      const read = readSync(file, buffer, at, bytes - at, start + at);
      if (read === 0) throw refused(`the file has ${at} of ${bytes} bytes at ${start}`);
      at += read;
    }
    return buffer.subarray(0, bytes);
  }
  async function send(message: Extract<ToSend, { type: 'send' }>): Promise<void> {
    const { id, length, perSecond } = message;
    const frames = framesOf(message.at, message.octets);
    const routes = message.routes.map((route) => {
      const fd = sockets.get(route.socket);
      if (fd === undefined) throw refused(`there is no socket ${JSON.stringify(route.socket)}`);
      return { fd, interface: route.interface, count: route.count };
    });
    if (length < 14 || length > maxLength || frames.length % length !== 0)
      throw refused(`${frames.length} bytes are no frames of ${length} bytes`);
    if (routes.reduce((sum, route) => sum + route.count, 0) !== frames.length / length)
      throw refused(`the routes are not for ${frames.length / length} frames`);
    const notBeforeMs = perSecond === paced.perSecond ? paced.nextMs : 0;
    const { accepted, error, nextMs } = await sendFrames(
      { routes, frames, length, perSecond, notBeforeMs },
      () => !ending,
    );
    paced = { perSecond, nextMs };
    channel.say({ type: 'sent', id, accepted, error });
  }

  return {
    message(message) {
      switch (message.type) {
        case 'adopt':
          if (!isPacketSocket(message.fd)) throw refused(`descriptor ${message.fd} is no packet socket`);
          return keep(message.socket, message.fd);
        case 'frames':
          ({ fd: file } = message);
          return;
        case 'send':
          if (!sealed) sealed = sealHelper('send').filtered; // a sender has what it needs
          return send(message);
        case 'stop':
          channel.say({ type: 'stopped' });
          return leave(0);
      }
    },
    end: () => leave(Number(process.exitCode ?? 0)),
  };
}

function refused(what: string): VerifyError {
  return new VerifyError('protocol', 70, what, 'report this as a fault of verify-isolation');
}
