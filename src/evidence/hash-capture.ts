import { statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { packagePath } from '../sys/package-path.js';
import { hashFile } from './hash-file.js';

/** From so many octets on a thread is worth its start. */
const worthAThread = 32 * 1024 * 1024;

/** A hash that is being made. */
export interface ComingHash {
  /** As `hashFile`; rejects where the file cannot be read, which nobody has to hear. */
  readonly sha256: Promise<string>;
  /** Nobody wants it any more. */
  stop(): void;
}

interface HashThread extends ComingHash {
  readonly thread: Worker;
}

/** What `beginHash` started and nobody has asked for yet, by path. */
const begun = new Map<string, HashThread>();

function isLarge(path: string): boolean {
  try {
    return statSync(path).size >= worthAThread;
  } catch {
    return false;
  }
}

function startThread(path: string): HashThread {
  const thread = new Worker(packagePath('dist/hash-thread.js'), { workerData: path });
  const sha256 = new Promise<string>((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error(`${path}: the thread that hashes it ended without a word`)));
  });
  sha256.catch(() => undefined);
  return { thread, sha256, stop: () => void thread.terminate() };
}

/** Begins to hash a large file for which `hashCapture` may be called later. The process does not wait for it. */
export function beginHash(path: string): void {
  if (begun.has(path) || !isLarge(path)) return;
  const started = startThread(path);
  started.thread.unref();
  begun.set(path, started);
}

/** Hashes a capture: a large one on a thread of its own, beside what this one does meanwhile, because hashing takes longer. */
export function hashCapture(path: string): ComingHash {
  const started = begun.get(path) ?? (isLarge(path) ? startThread(path) : undefined);
  begun.delete(path);
  if (started !== undefined) {
    started.thread.ref();
    return started;
  }
  const sha256 = hashFile(path);
  sha256.catch(() => undefined);
  return { sha256, stop: () => undefined };
}
