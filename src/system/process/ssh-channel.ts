import { type ChildProcess, spawn } from 'node:child_process';
import { messageOf, VerifyError } from '../../core/model/verify-error.js';
import { encodeLine, lineSplitter } from '../../core/protocol/lines.js';
import { word } from '../../core/text/escape.js';
import { installHint } from './programs.js';

/** A channel's end; `stderr`: the last part, of ssh and the remote program. */
export interface ChannelEnd {
  readonly status: number | null;
  readonly stderr: string;
}

/** Lines to and from a program on another host. */
export interface SshChannel {
  readonly backlog: number;
  send(message: object): void;
  readonly ended: Promise<ChannelEnd>;
  /** Closes its stdin, and kills ssh after `timeoutMs`. */
  end(timeoutMs: number): Promise<ChannelEnd>;
  kill(): void;
}

/**
 * ssh(1) with the user's configuration. The remote shell gets the words in one line. BatchMode: an unknown or changed
 * key ends it (ssh_config(5)).
 */
export function sshCommand(target: string, command: readonly string[]): readonly string[] {
  return ['ssh', '-T', '-o', 'BatchMode=yes', '--', target, command.map(word).join(' ')];
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended already
  }
}

/** If `onLine` throws it ends, and `ended` reports why. A program that cannot start ends at once. */
export function openSshChannel(target: string, command: readonly string[], onLine: (line: string) => void): SshChannel {
  const [program = '', ...words] = sshCommand(target, command);
  const child = spawn(program, words, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  const split = lineSplitter();
  let stderr = '';
  let over = false;
  const kill = (): void => {
    if (over) return;
    endGroup(child);
    // A program that keeps the pipes open, such as ssh's proxy, would delay `close`.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    try {
      for (const line of split(chunk)) onLine(line);
    } catch (error) {
      stderr += `${messageOf(error)}${error instanceof VerifyError ? ` (${error.hint})` : ''}\n`;
      kill();
    }
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr = (stderr + chunk).slice(-8192)));
  child.stdin.on('error', () => undefined); // it is gone: `ended` reports
  const ended = new Promise<ChannelEnd>((resolve) => {
    const finish = (status: number | null): void => {
      over = true;
      resolve({ status, stderr });
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      stderr +=
        error.code === 'ENOENT'
          ? `the program ssh is not installed: ${installHint('openssh-client')}\n`
          : `${error.message}\n`;
      if (child.pid === undefined) finish(null);
    });
    child.on('close', finish);
  });
  return {
    get backlog() {
      return child.stdin.writableLength;
    },
    send: (message) => void (child.stdin.writable ? child.stdin.write(encodeLine(message)) : undefined),
    ended,
    async end(timeoutMs) {
      child.stdin.end();
      const timer = setTimeout(kill, timeoutMs);
      const how = await ended;
      clearTimeout(timer);
      return how;
    },
    kill,
  };
}
