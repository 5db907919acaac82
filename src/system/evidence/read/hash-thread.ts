import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { type SharedOctets, takeOctets } from './shared-bytes.js';

// A thread of its own that hashes a file while another reads it: `hashed-bytes.ts` starts it.
const shared: SharedOctets = workerData;
const take = takeOctets(shared, 'hash');
const hash = createHash('sha256');
for (let chunk = take(Infinity); chunk !== null; chunk = take(Infinity)) if (chunk !== 'behind') hash.update(chunk);
parentPort?.postMessage(hash.digest('hex'));
