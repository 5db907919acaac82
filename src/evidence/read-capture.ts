import { createReadStream } from 'node:fs';
import { type CaptureItem } from '../pcap/capture-items.js';
import { createCaptureReader } from '../pcap/capture-reader.js';

const chunkLength = 1 << 20;

/** The items of a capture file in order. A file that cannot be opened or read is damage at that place, not an exception. */
export async function* readCapture(path: string): AsyncGenerator<CaptureItem> {
  const reader = createCaptureReader();
  let offset = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: chunkLength })) {
      if (!(chunk instanceof Uint8Array)) continue;
      offset += chunk.length;
      yield* reader.push(chunk);
    }
  } catch (error) {
    yield { kind: 'damage', offset, message: `${path}: ${error instanceof Error ? error.message : String(error)}`, fatal: true };
    return;
  }
  yield* reader.end();
}
