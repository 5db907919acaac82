import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { packagePath } from '../sys/package-path.js';
import { readOctets } from './read-octets.js';

/** SHA-256 of a file's bytes, hex, read as a stream; of a compressed one what it stands for. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readOctets(path, { fleeting: true })) hash.update(chunk);
  return hash.digest('hex');
}

/** From so many octets on a thread is worth its start. */
const worthAThread = 32 * 1024 * 1024;

/** As `hashFile`, for a large file in a thread of its own, beside what this one does meanwhile: hashing takes as long as judging. Rejects where the file cannot be read. */
export async function hashBeside(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size < worthAThread) return hashFile(path);
  return new Promise((resolve, reject) => {
    const thread = new Worker(packagePath('dist/hash-thread.js'), { workerData: path });
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error(`${path}: the thread that hashes it ended without a word`)));
  });
}
