import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { assertKnown } from '../../../core/model/verify-error.js';
import { failureOf } from '../../../core/protocol/failure.js';
import { parsePlan } from '../folder/parse-folder.js';
import { collate } from './collate.js';
import { partialCaptures } from './partial-captures.js';
import type { CollateRequest, FromCollateWorker } from './worker-client.js';

async function serve(port: MessagePort): Promise<void> {
  const say = (message: FromCollateWorker): void => port.postMessage(message);
  const request: CollateRequest = workerData;
  try {
    const captures = partialCaptures(request.dir);
    port.on('message', captures.hear);
    const plan = parsePlan(request.dir);
    say({
      kind: 'done',
      collation: await collate(
        { ...request, plan },
        { captures, reported: (bytes) => say({ kind: 'grown', bytes: bytes }) },
      ),
    });
  } catch (error) {
    assertKnown(error);
    say({ kind: 'failed', ...failureOf(error) });
  } finally {
    port.close();
  }
}

// A thread of its own that collates the captures of a run: `collateInWorker` starts it.
if (parentPort !== null) void serve(parentPort);
