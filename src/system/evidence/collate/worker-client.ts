import { Worker } from 'node:worker_threads';
import { errorOf, type Failure } from '../../../core/protocol/failure.js';
import { packagePath } from '../../process/package-path.js';
import type { Growth } from '../read/partial-file.js';
import type { CollateInput, Collation } from './collate.js';
import type { CapturesMessage } from './partial-captures.js';

/** The thread reads the plan from the folder. `report` follows growing captures. */
export type CollateRequest = Omit<CollateInput, 'plan'>;

/** Messages of the thread. */
export type FromCollateWorker =
  | { readonly kind: 'grown'; readonly bytes: number }
  | { readonly kind: 'done'; readonly collation: Collation }
  | ({ readonly kind: 'failed' } & Failure);

/** A collating thread. */
export interface CollateWorker {
  /** Rejects if it fails or is stopped. */
  readonly collation: Promise<Collation>;
  report(message: CapturesMessage): void;
  stop(): Promise<void>;
}

/**
 * No frame's objects live on. V8's own limit, four times this, saves no time and takes 28 MB more. Half takes a tenth
 * more time.
 */
const youngMb = 12;

/** As `collate`, on a thread. `growth` is notified of the file's length. */
export function collateInWorker(request: CollateRequest, growth: Growth): CollateWorker {
  const thread = new Worker(packagePath('dist/collate-thread.cjs'), {
    workerData: request,
    resourceLimits: { maxYoungGenerationSizeMb: youngMb },
  });
  const collation = new Promise<Collation>((resolve, reject) => {
    const fail = (error: Error): void => {
      growth.ended(error);
      reject(error);
    };
    thread.on('message', (message: FromCollateWorker) => {
      switch (message.kind) {
        case 'grown':
          growth.grown(message.bytes);
          break;
        case 'done':
          growth.ended();
          resolve(message.collation);
          break;
        case 'failed':
          fail(errorOf(message));
          break;
      }
    });
    thread.once('error', fail);
    thread.once('exit', () => fail(new Error('the thread that collates the captures ended without a word')));
  });
  collation.catch(() => undefined); // reported where it is awaited
  return {
    collation,
    report: (message) => thread.postMessage(message),
    stop: async () => void (await thread.terminate()),
  };
}
