import { createReadStream, openSync } from 'node:fs';
import { createGunzip } from 'node:zlib';

/** These expand up to a thousandfold. */
const gzChunkLength = 1 << 14;

/** Beyond this and `freeExpansion` a capture counts as a bomb. */
const maxExpansion = 250;
const freeExpansion = 64 * 1024 * 1024;

/** Decompresses a gzip file. Throws on damage or excessive growth, after everything before. */
export async function* inflate(path: string, flags: number): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  const ready: Uint8Array[] = [];
  let failure: Error | null = null;
  let taken = 0;
  let expanded = 0;
  let wake = (): void => undefined;
  gunzip.on('data', (chunk: Uint8Array) => ready.push(chunk));
  gunzip.on('error', (error) => {
    failure = error;
    wake();
  });
  gunzip.on('end', () => wake());
  const until = (act: (done: () => void) => void): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      if (failure === null) act(resolve);
      else resolve();
    });
  function* drain(): Generator<Uint8Array> {
    for (const chunk of ready.splice(0)) {
      expanded += chunk.length;
      yield chunk;
    }
    if (failure !== null) throw failure;
    if (expanded > freeExpansion && expanded > taken * maxExpansion)
      throw new Error(
        `${taken} compressed bytes have grown to ${expanded}, more than ${maxExpansion} times as much: not read further`,
      );
  }
  try {
    for await (const chunk of createReadStream('', { fd: openSync(path, flags), highWaterMark: gzChunkLength })) {
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
