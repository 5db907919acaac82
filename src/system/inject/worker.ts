import { readSync } from 'node:fs';
import { VerifyError } from '../../core/model/verify-error.js';
import { handingFd, type ToSend } from '../../core/protocol/messages.js';
import { receiveFd } from '../kernel/fd-passing.js';
import { isPacketSocket } from '../kernel/packet-socket.js';
import { type HelperChannel, openHelperChannel } from '../process/helper-channel.js';
import { toolVersion } from '../process/package-path.js';
import { sealHelper } from '../process/seal-helper.js';
import { sendFrames } from './send-frames.js';

const beatMs = 100;
const maxLength = 65_535;
const maxBytes = 64 << 20;

/** The role `send`: sealed, it sends on packet sockets passed to it. */
export function sendWorker(): void {
  const version = toolVersion(); // out of a file
  sealHelper('send');
  openHelperChannel('send', version, (channel) => new SendWorker(channel));
}

class SendWorker {
  private readonly channel: HelperChannel<'send'>;
  private readonly sockets = new Map<string, number>();
  private readonly heartbeat: NodeJS.Timeout;
  /** In memory, null = none yet. */
  private file: number | null = null;
  private buffer = Buffer.alloc(0);
  private isEnding = false;
  private paced: { readonly perSecond: number | null; readonly nextMs: number } = { perSecond: null, nextMs: 0 };

  constructor(channel: HelperChannel<'send'>) {
    this.channel = channel;
    this.heartbeat = setInterval(() => channel.say({ type: 'beat' }), beatMs);
  }

  message(message: ToSend): Promise<void> | void {
    switch (message.type) {
      case 'adopt':
        return this.adopt(message.socket);
      case 'frames':
        this.file = receiveFd(handingFd);
        return;
      case 'send':
        return this.send(message);
      case 'stop':
        this.channel.say({ type: 'stopped' });
        return this.leave(0);
    }
  }

  end(): void {
    this.leave(Number(process.exitCode ?? 0));
  }

  private adopt(socket: string): void {
    const fd = receiveFd(handingFd);
    if (!isPacketSocket(fd)) throw refused(`the descriptor of ${JSON.stringify(socket)} is no packet socket`);
    if (this.sockets.has(socket)) throw refused(`socket ${JSON.stringify(socket)} is open already`);
    this.sockets.set(socket, fd);
    this.channel.say({ type: 'opened', socket });
  }

  private leave(status: number): void {
    this.isEnding = true;
    clearInterval(this.heartbeat);
    this.channel.exit(status);
  }

  private async send(message: SendMessage): Promise<void> {
    const { id, perSecond } = message;
    const frames = this.framesOf(message.at, message.bytes);
    const routes = this.routesOf(message, frames.length);
    const { accepted, error, nextMs } = await sendFrames(
      {
        routes,
        frames,
        length: message.length,
        perSecond,
        notBeforeMs: perSecond === this.paced.perSecond ? this.paced.nextMs : 0,
      },
      () => !this.isEnding,
    );
    this.paced = { perSecond, nextMs };
    this.channel.say({ type: 'sent', id, accepted, error });
  }

  private framesOf(start: number, bytes: number): Buffer {
    const { file } = this;
    if (file === null) throw refused('no file with frames was named');
    if (bytes > maxBytes) throw refused(`${bytes} bytes are more than ${maxBytes}`);
    if (this.buffer.length < bytes) this.buffer = Buffer.alloc(bytes);
    for (let at = 0; at < bytes; ) {
      const read = readSync(file, this.buffer, at, bytes - at, start + at);
      if (read === 0) throw refused(`the file has ${at} of ${bytes} bytes at ${start}`);
      at += read;
    }
    return this.buffer.subarray(0, bytes);
  }

  private routesOf(message: SendMessage, bytes: number): Parameters<typeof sendFrames>[0]['routes'] {
    const { length } = message;
    const routes = message.routes.map((route) => {
      const fd = this.sockets.get(route.socket);
      if (fd === undefined) throw refused(`there is no socket ${JSON.stringify(route.socket)}`);
      if (route.size !== undefined && (route.size < 14 || route.size > length))
        throw refused(`frames of ${length} bytes are not sent as ${route.size}`);
      return { ...route, fd };
    });
    if (length < 14 || length > maxLength || bytes % length !== 0)
      throw refused(`${bytes} bytes are no frames of ${length} bytes`);
    if (routes.reduce((sum, route) => sum + route.count, 0) !== bytes / length)
      throw refused(`the routes are not for ${bytes / length} frames`);
    return routes;
  }
}

type SendMessage = Extract<ToSend, { type: 'send' }>;

function refused(what: string): VerifyError {
  return new VerifyError('protocol', 70, what, 'report this as a fault of verify-isolation');
}
