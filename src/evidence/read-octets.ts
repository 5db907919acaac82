import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';

/** Fits a processor's second-level cache with what is made of it. */
const chunkLength = 1 << 18;
/** Chunks after which timers and signals have their turn. */
const atATime = 64;
/** Compressed octets that are taken at once: what comes of them, at most a thousand times as much, is held in memory. */
const gzChunkLength = 1 << 14;

/** A compressed capture may grow to this many times its size, and to `freeExpansion` in any case: beyond it, it is taken for a bomb. */
export const mostExpansion = 250;
const freeExpansion = 64 * 1024 * 1024;

/** Do a file's first octets say that it is compressed with gzip? */
export function isGzipHead(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

async function isGzip(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(new Uint8Array(2), 0, 2, 0);
    return bytesRead === 2 && isGzipHead(buffer);
  } finally {
    await handle.close();
  }
}

/** Throws where the stream is damaged or grows beyond bounds, after everything before that was given. */
async function* inflate(path: string): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  const ready: Uint8Array[] = [];
  let failure: Error | null = null;
  let taken = 0;
  let given = 0;
  let wake = (): void => undefined;
  gunzip.on('data', (chunk: Uint8Array) => ready.push(chunk));
  gunzip.on('error', (error) => {
    failure = error;
    wake();
  });
  gunzip.on('end', () => wake());
  const until = (act: (done: () => void) => void): Promise<void> => new Promise((resolve) => {
    wake = resolve;
    if (failure === null) act(resolve);
    else resolve();
  });
  function* drain(): Generator<Uint8Array> {
    for (const chunk of ready.splice(0)) {
      given += chunk.length;
      yield chunk;
    }
    if (failure !== null) throw failure;
    if (given > freeExpansion && given > taken * mostExpansion) throw new Error(`${taken} compressed octets have grown to ${given}, more than ${mostExpansion} times as much: not read further`);
  }
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: gzChunkLength })) {
      if (!(chunk instanceof Uint8Array)) continue;
      taken += chunk.length;
      await until((done) => gunzip.write(chunk, () => done()));
      yield* drain();
    }
    await until(() => gunzip.end());
    yield* drain();
  } finally {
    gunzip.destroy();
  }
}

/** Waiting for a thread that reads takes longer than reading: what is read next is in memory already, by the kernel's read-ahead at the latest. */
async function* read(path: string, fleeting: boolean): AsyncGenerator<Uint8Array> {
  const file = openSync(path, 'r');
  const own = new Uint8Array(chunkLength);
  try {
    for (let chunks = 1; ; chunks += 1) {
      const into = fleeting || chunks === 1 ? own : new Uint8Array(chunkLength);
      const length = readSync(file, into, 0, chunkLength, null);
      if (length === 0) return;
      yield into.subarray(0, length);
      if (chunks % atATime === 0) await setImmediate();
    }
  } finally {
    closeSync(file);
  }
}

/**
 * The octets of a file in order, decompressed where it is compressed with gzip (RFC 1952). Rejects where it cannot be read further, after all before that was given.
 * `fleeting`: a chunk is void once the next is asked for.
 */
export async function* readOctets(path: string, options: { readonly fleeting?: boolean } = {}): AsyncGenerator<Uint8Array> {
  if (await isGzip(path)) yield* inflate(path);
  else yield* read(path, options.fleeting ?? false);
}
