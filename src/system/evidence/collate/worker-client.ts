import { Worker } from 'node:worker_threads';
import { errorOf, type Failure } from '../../../core/protocol/failure.js';
import { packagePath } from '../../process/package-path.js';
import type { Growth } from '../read/partial-file.js';
import type { CollateInput, Collation } from './collate.js';
import type { CapturesMessage } from './partial-captures.js';

/**
 * What the thread needs, but for the plan, which the folder has, and for the captures, which still grow: `report` says
 * what becomes of them.
 */
export type CollateRequest = Omit<CollateInput, 'plan'>;

/** What the thread says. */
export type FromCollateWorker =
  | { readonly kind: 'grown'; readonly bytes: number }
  | { readonly kind: 'done'; readonly collation: Collation }
  | ({ readonly kind: 'failed' } & Failure);

/** A thread that collates. */
export interface CollateWorker {
  /** As `collate`; rejects where it fails, or was stopped. */
  readonly collation: Promise<Collation>;
  report(message: CapturesMessage): void;
  /** Ends it, wherever it is. */
  stop(): Promise<void>;
}

/**
 * Nothing that is made for a frame is kept: V8's own limit, four times this one, takes as much time and 28 MB more.
 * Half of it takes a tenth more time.
 */
const youngMb = 12;

/**
 * As `collate`, in a thread of its own, beside what this one does meanwhile; `growth` is notified how far the file is
 * that it writes.
 */
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
