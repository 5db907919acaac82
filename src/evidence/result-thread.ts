import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { indentJson } from './indent-json.js';
import type { FromWriting, ToWriting } from './write-result.js';

function serve(port: MessagePort, path: string): void {
  const say = (message: FromWriting): void => port.postMessage(message);
  const hash = createHash('sha256');
  let failure: string | null = null;
  const attempt = (act: () => void): void => {
    try {
      if (failure === null) act();
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
  };
  let fd = -1;
  attempt(() => (fd = openSync(path, 'w', 0o600)));
  port.on('message', (message: ToWriting) => {
    if (message === null) {
      attempt(() => closeSync(fd));
      say(failure === null ? { sha256: hash.digest('hex') } : { failure });
      port.close();
      return;
    }
    attempt(() => {
      const octets = message.depth === null ? message.octets : indentJson(message.octets, message.depth);
      hash.update(octets);
      for (let done = 0; done < octets.length; ) done += writeSync(fd, octets, done);
    });
  });
}

// A thread of its own that writes a large result: `write-result.ts` starts it.
if (parentPort !== null) serve(parentPort, workerData);
