import { parentPort, workerData } from 'node:worker_threads';
import { hashFile } from './hash-file.js';

// A thread of its own that hashes one file: `hashCapture` starts it.
if (parentPort !== null && typeof workerData === 'string') parentPort.postMessage(await hashFile(workerData));
