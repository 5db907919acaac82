import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { type SharedBytes, takeBytes } from './shared-bytes.js';

// A thread of its own that hashes a file while another reads it: `hashed-bytes.ts` starts it.
const shared: SharedBytes = workerData;
const take = takeBytes(shared, 'hash');
const hash = createHash('sha256');
for (let chunk = take(Infinity); chunk !== null; chunk = take(Infinity)) if (chunk !== 'behind') hash.update(chunk);
parentPort?.postMessage(hash.digest('hex'));
