import { messageOf } from '../../../core/model/verify-error.js';
import { type CaptureItem } from '../../../core/pcap/capture-items.js';
import { type CaptureReaderOptions, CaptureReader } from '../../../core/pcap/capture-reader.js';
import { readBytes } from './read-bytes.js';

/**
 * The items of a capture file in order, gzip or not, up to its first fatal damage. A file that cannot be opened or read
 * is damage at that place, not an exception. `fleeting`: a batch is void once the next item is asked for, so that
 * memory stays flat and nothing is copied.
 */
export async function* readCapture(path: string, options: CaptureReaderOptions = {}): AsyncGenerator<CaptureItem> {
  yield* readCaptureOf(readBytes(path, options), options);
}

/** The items of a raw capture of a run. */
export function readRawCapture(path: string): AsyncGenerator<CaptureItem> {
  return readCapture(path, { raw: true });
}

/** As `readCapture`, of bytes that come from elsewhere; `fleeting`: they are void once the next are asked for. */
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
