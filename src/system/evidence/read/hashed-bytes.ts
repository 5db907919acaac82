import { createHash } from 'node:crypto';
import { closeSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { packagePath } from '../../process/package-path.js';
import { mayStartThreads } from '../../process/threads.js';
import { isGzipHead, readBytes } from './read-bytes.js';
import { openRegular } from './regular-file.js';
import { leaveBytes, type SharedBytes, shareBytes, takeBytes } from './shared-bytes.js';

/** Less does not repay a thread's start. */
const worthAThread = 32 * 1024 * 1024;
/** Timers and signals run after this wait, or after the given number of chunks. */
const patienceMs = 20;
const atATime = 64;

/** Decompressed bytes and their hash, from one reading. */
export interface HashedBytes {
  /** Once. A chunk is void once the next is requested. Rejects if unreadable. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Hex, of all bytes, even unread ones. Call it after reading. Rejects if unreadable. */
  sha256(): Promise<string>;
  stop(): void;
}

const begun = new Map<string, HashThread>();

interface HashThread extends HashedBytes {
  readonly thread: Worker;
}

/** null = small or compressed. */
function openLarge(path: string): number | null {
  let file: number | null = null;
  try {
    if (!mayStartThreads()) return null;
    const opened = openRegular(path);
    const { fd } = opened;
    file = fd;
    const head = new Uint8Array(2);
    readSync(fd, head, 0, 2, 0);
    if (opened.size >= worthAThread && !isGzipHead(head)) return fd;
  } catch {
    // the reader after all says what is wrong
  }
  if (file !== null) closeSync(file);
  return null;
}

async function* judged(shared: SharedBytes): AsyncGenerator<Uint8Array> {
  const take = takeBytes(shared, 'judge');
  try {
    for (let chunks = 1; ; chunks += 1) {
      let chunk = take(patienceMs);
      while (chunk === 'behind') {
        await setImmediate();
        chunk = take(patienceMs);
      }
      if (chunk === null) return;
      yield chunk;
      if (chunks % atATime === 0) await setImmediate();
    }
  } finally {
    leaveBytes(shared, 'judge');
  }
}

/** Hashing takes longer than using the bytes. */
function hashBeside(path: string, file: number): HashThread {
  const shared = shareBytes(file);
  const thread = new Worker(packagePath('dist/hash-thread.cjs'), { workerData: shared });
  const sha256 = new Promise<string>((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => {
      leaveBytes(shared, 'hash');
      reject(new Error(`${path}: the thread that hashes it ended without a word`));
    });
  });
  sha256.catch(() => undefined); // nobody has to hear it
  return {
    thread,
    bytes: judged(shared),
    sha256() {
      leaveBytes(shared, 'judge');
      return sha256;
    },
    stop: () => void thread.terminate().then(() => closeSync(file)),
  };
}

function hashHere(path: string): HashedBytes {
  const hash = createHash('sha256');
  const source = readBytes(path, { fleeting: true, regular: true });
  let failure: Error | null = null;
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    try {
      const taken = await source.next();
      if (taken.done === true) return { done: true, value: undefined };
      hash.update(taken.value);
      return taken;
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      throw failure;
    }
  };
  return {
    bytes: { [Symbol.asyncIterator]: () => ({ next }) }, // without return(): what is left is hashed as well
    async sha256() {
      if (failure !== null) throw failure;
      while ((await next()).done !== true);
      return hash.digest('hex');
    },
    stop: () => void source.return(undefined),
  };
}

/** Starts hashing a large file for a later `hashedBytes`. Does not keep the process alive. */
export function beginHash(path: string): void {
  if (begun.has(path)) return;
  const file = openLarge(path);
  if (file === null) return;
  const started = hashBeside(path, file);
  started.thread.unref();
  begun.set(path, started);
}

/** The caller must call `stop`. */
export function hashedBytes(path: string): HashedBytes {
  const started = begun.get(path);
  begun.delete(path);
  if (started !== undefined) {
    started.thread.ref();
    return started;
  }
  const file = openLarge(path);
  return file === null ? hashHere(path) : hashBeside(path, file);
}
