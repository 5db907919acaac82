import { Console } from 'node:console';
import { commandLine } from '../../src/cli/command-line.js';

/** An exit status, and the text written to stdout and stderr. */
export interface Called {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Carries out a command line in this process: it costs a tenth of a start. One at a time. */
export async function callHere(...args: readonly string[]): Promise<Called> {
  const stdout = takeWrites(process.stdout);
  const stderr = takeWrites(process.stderr);
  // yargs prints with the console, which vitest has replaced by its own.
  const replaced = globalThis.console;
  globalThis.console = new Console(process.stdout, process.stderr);
  try {
    const status = await commandLine(args);
    return { status, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    globalThis.console = replaced;
    stdout.release();
    stderr.release();
  }
}

/** Keeps the text that is written to a stream from now on, until `release`. */
function takeWrites(stream: NodeJS.WriteStream): { readonly text: () => string; readonly release: () => void } {
  const write = stream.write.bind(stream);
  const chunks: Buffer[] = [];
  stream.write = (chunk: Uint8Array | string, encoding?: unknown, written?: unknown): boolean => {
    chunks.push(Buffer.from(chunk));
    const done = typeof encoding === 'function' ? encoding : written;
    if (typeof done === 'function') queueMicrotask(() => done());
    return true;
  };
  return {
    text: () => Buffer.concat(chunks).toString('utf8'),
    release: () => {
      stream.write = write;
    },
  };
}
