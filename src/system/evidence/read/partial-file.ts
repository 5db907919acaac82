import { open } from 'node:fs/promises';
import { pageMemory } from '../../kernel/page-memory.js';

/** A file that another process writes. */
export interface Growth {
  grown(bytes: number): void;
  /** `error`: why it ended early. The first call counts. */
  ended(error?: Error): void;
}

export interface PartialFile extends Growth {
  /** A chunk is void once the next is requested. Rejects with `error`. */
  read(): AsyncGenerator<Uint8Array>;
}

const chunkLength = 1 << 20;

/** Reads a file while it is written. */
export function partialFile(path: string): PartialFile {
  let bytes = 0;
  let complete = false;
  let failure: Error | null = null;
  let wake = (): void => undefined;
  const mayGoOn = (): void => {
    if (failure instanceof Error) throw failure;
  };
  return {
    grown(now) {
      bytes = now;
      wake();
    },
    ended(error) {
      if (complete) return;
      complete = true;
      failure = error ?? null;
      wake();
    },
    async *read() {
      while (bytes === 0 && !complete) await new Promise<void>((resolve) => (wake = resolve));
      mayGoOn();
      const handle = await open(path, 'r');
      const buffer = pageMemory(chunkLength);
      try {
        for (let at = 0; ; ) {
          if (at < bytes) {
            const { bytesRead } = await handle.read(buffer, 0, Math.min(chunkLength, bytes - at), at);
            if (bytesRead === 0) throw new Error(`${path}: it has ${at} bytes, and not ${bytes}`);
            at += bytesRead;
            yield buffer.subarray(0, bytesRead);
          } else if (complete) {
            mayGoOn();
            return;
          } else {
            await new Promise<void>((resolve) => (wake = resolve));
          }
        }
      } finally {
        await handle.close();
      }
    },
  };
}
