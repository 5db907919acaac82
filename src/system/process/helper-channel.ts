import { Socket } from 'node:net';
import { messageOf, VerifyError } from '../../core/model/verify-error.js';
import { encodeLine, lineSplitter } from '../../core/protocol/lines.js';
import type { FromHelper, HelperFault, HelperRole, Ready, ToHelper } from '../../core/protocol/messages.js';
import { parseToHelper } from '../../core/protocol/parse-message.js';

/** The helper's end of its two pipes. */
export interface HelperChannel<R extends HelperRole> {
  say(message: FromHelper[R] | Ready | HelperFault): void;
  /** Bytes that the orchestrator has not taken yet. */
  readonly backlog: number;
  /** Ends the process with `status` once what was said is on its way, after a second at the latest. */
  exit(status: number): void;
}

export interface ChannelHandlers<R extends HelperRole> {
  /** Called with one message after the other; the next one waits for the promise. */
  message(message: ToHelper[R]): void | Promise<void>;
  /** stdin closed, or what came over it makes no sense: undo what is one's own. */
  end(): void;
}

/**
 * Opens a helper's channel: says `ready`, reads messages. A line that is not a message, or a handler that throws, is
 * said as a fault `helper-died` and ends the helper with status 70.
 */
export function openHelperChannel<R extends HelperRole>(
  role: R,
  version: string,
  handlers: (channel: HelperChannel<R>) => ChannelHandlers<R>,
): void {
  // process.stdout would block the process, and with it a capture, while the orchestrator is busy
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
