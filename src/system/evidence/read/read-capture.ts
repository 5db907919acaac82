import { messageOf } from '../../../core/model/verify-error.js';
import { type CaptureItem } from '../../../core/pcap/capture-items.js';
import { type CaptureReaderOptions, CaptureReader } from '../../../core/pcap/capture-reader.js';
import { readBytes } from './read-bytes.js';

/**
 * Gzip or not, up to fatal damage such as an unreadable file. `fleeting`: a batch is void once the next item is
 * requested.
 */
export async function* readCapture(path: string, options: CaptureReaderOptions = {}): AsyncGenerator<CaptureItem> {
  yield* readCaptureOf(readBytes(path, options), options);
}

/** `readCapture` of a run's raw capture. */
export function readRawCapture(path: string): AsyncGenerator<CaptureItem> {
  return readCapture(path, { raw: true });
}

/** `fleeting`: bytes are void once the next are requested. */
export async function* readCaptureOf(
  bytes: AsyncIterable<Uint8Array>,
  options: CaptureReaderOptions = {},
): AsyncGenerator<CaptureItem> {
  const reader = new CaptureReader(options);
  let offset = 0;
  try {
    for await (const chunk of bytes) {
      offset += chunk.length;
      for (const item of reader.push(chunk)) {
        yield item;
        if (item.kind === 'damage' && item.fatal) return;
      }
    }
  } catch (error) {
    yield { kind: 'damage', offset, message: messageOf(error), fatal: true };
    return;
  }
  yield* reader.end();
}
