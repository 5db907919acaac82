import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { VerifyError } from '../../../core/model/verify-error.js';
import { parseHeardPlan, parsePlan } from '../folder/parse-folder.js';
import { collate } from './collate.js';
import { growingCaptures } from './growing-captures.js';
import { type RawCaptures, wholeCaptures } from './raw-captures.js';
import type { CollateRequest, FromCollateWorker } from './worker-client.js';

function followed(dir: string, port: MessagePort): RawCaptures {
  const captures = growingCaptures(dir);
  port.on('message', captures.hear);
  return captures;
}

async function serve(port: MessagePort): Promise<void> {
  const say = (message: FromCollateWorker): void => port.postMessage(message);
  const request: CollateRequest = workerData;
  try {
    const captures = request.growing ? followed(request.dir, port) : wholeCaptures(request);
    const plan = await (request.growing ? parsePlan : parseHeardPlan)(request.dir);
    say({
      kind: 'done',
      collation: await collate(
        { ...request, plan },
        { captures, reported: (bytes) => say({ kind: 'grown', octets: bytes }) },
      ),
    });
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    say({ kind: 'failed', code: error.code, exit: error.exit, message: error.message, hint: error.hint });
  } finally {
    port.close();
  }
}

// A thread of its own that collates the captures of a run: `collateInWorker` starts it.
if (parentPort !== null) void serve(parentPort);
