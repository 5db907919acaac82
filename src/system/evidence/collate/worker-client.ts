import type { FaultCode } from '../../../core/model/reasons.js';
import { Worker } from 'node:worker_threads';
import { type ErrorExit, VerifyError } from '../../../core/model/verify-error.js';
import { packagePath } from '../../process/package-path.js';
import type { WrittenPlanFile } from '../folder/parse-folder.js';
import type { Growth } from '../read/partial-file.js';
import type { CollateInput, Collation } from './collate.js';
import type { CapturesMessage } from './partial-captures.js';

/** What the thread needs, but for the captures, which still grow: `report` says what becomes of them. */
export interface CollateRequest extends Omit<CollateInput, 'plan'> {
  /** The plan is read from the folder: with the hash that this process has of it no schema checks it. */
  readonly planFile: Pick<WrittenPlanFile, 'sha256'> | null;
}

/** What the thread says. */
export type FromCollateWorker =
  | { readonly kind: 'grown'; readonly bytes: number }
  | { readonly kind: 'done'; readonly collation: Collation }
  | {
      readonly kind: 'failed';
      readonly code: FaultCode;
      readonly exit: ErrorExit;
      readonly message: string;
      readonly hint: string;
    };

/** A thread that collates. */
export interface CollateWorker {
  /** As `collate`; rejects where it fails, or was stopped. */
  readonly collation: Promise<Collation>;
  report(message: CapturesMessage): void;
  /** Ends it, wherever it is. */
  stop(): Promise<void>;
}

/**
 * As `collate`, in a thread of its own, beside what this one does meanwhile; `growth` is notified how far the file is
 * that it writes.
 */
export function collateInWorker(request: CollateRequest, growth: Growth): CollateWorker {
  const thread = new Worker(packagePath('dist/collate-thread.cjs'), { workerData: request });
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
          fail(new VerifyError(message.code, message.exit, message.message, message.hint));
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
