import { Socket } from 'node:net';
import { messageOf, VerifyError } from '../../core/model/verify-error.js';
import { encodeLine, lineSplitter } from '../../core/protocol/lines.js';
import type { FromHelper, HelperFault, HelperRole, Ready, ToHelper } from '../../core/protocol/messages.js';
import { parseToHelper } from '../../core/protocol/parse-message.js';

/** A helper's end of its pipes. */
export interface HelperChannel<R extends HelperRole> {
  say(message: FromHelper[R] | Ready | HelperFault): void;
  /** Bytes that the orchestrator has not read. */
  readonly backlog: number;
  /** Ends the process once all is sent, or after a second. */
  exit(status: number): void;
}

export interface ChannelHandlers<R extends HelperRole> {
  /** The next message waits for the promise. */
  message(message: ToHelper[R]): void | Promise<void>;
  /** stdin is closed or unreadable: undo the helper's own work. */
  end(): void;
}

/** Sends `ready`, then reads messages. A bad line or throwing handler becomes a fault `helper-died` and status 70. */
export function openHelperChannel<R extends HelperRole>(
  role: R,
  version: string,
  handlers: (channel: HelperChannel<R>) => ChannelHandlers<R>,
): void {
  // process.stdout would block the process, and its capture, while the orchestrator is busy
  const output = new Socket({ fd: 1, readable: false, writable: true });
  const input = new Socket({ fd: 0, readable: true, writable: false });
  const channel: HelperChannel<R> = {
    say: (message) => void output.write(encodeLine(message)),
    get backlog() {
      return output.writableLength;
    },
    exit(status) {
      setTimeout(() => process.exit(status), 1000);
      output.end(() => process.exit(status));
    },
  };
  const split = lineSplitter();
  const parse = parseToHelper[role];
  const handler = handlers(channel);
  let last: Promise<void> = Promise.resolve();
  let ended = false;

  function finish(): void {
    if (ended) return;
    ended = true;
    handler.end();
  }
  function failed(error: unknown): void {
    const stack = error instanceof Error && !(error instanceof VerifyError) ? error.stack : undefined;
    const text = stack ?? messageOf(error);
    channel.say({ type: 'fault', code: 'helper-died', observer: null, message: text });
    process.stderr.write(`${text}\n`);
    process.exitCode = 70;
    finish();
  }

  output.on('error', finish);
  input.on('error', finish);
  input.on('close', finish);
  input.setEncoding('utf8');
  input.on('data', (chunk: string) => {
    if (ended) return;
    try {
      for (const line of split(chunk)) {
        const parsed = parse(line);
        last = last.then(() => (ended ? undefined : handler.message(parsed))).catch(failed);
      }
    } catch (error) {
      failed(error);
    }
  });
  channel.say({ type: 'ready', version, pid: process.pid });
}
