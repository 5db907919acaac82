import { closeSync, constants, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { pageMemory } from '../../kernel/page-memory.js';
import { regularFlags } from './regular-file.js';

/** Fits into a processor's second-level cache with what is made of it. */
const chunkLength = 1 << 18;
/** Chunks after which timers and signals have their turn. */
const atATime = 64;

/** Do a file's first bytes say that it is compressed with gzip? */
export function isGzipHead(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

async function isGzip(path: string, flags: number): Promise<boolean> {
  const handle = await open(path, flags);
  try {
    if (flags !== constants.O_RDONLY && !(await handle.stat()).isFile()) throw new Error('it is not a regular file');
    const { bytesRead, buffer } = await handle.read(new Uint8Array(2), 0, 2, 0);
    return bytesRead === 2 && isGzipHead(buffer);
  } finally {
    await handle.close();
  }
}

/**
 * Waiting for a thread that reads takes longer than reading: what is read next is in memory already, by the kernel's
 * read-ahead at the latest.
 */
async function* read(path: string, fleeting: boolean, flags: number): AsyncGenerator<Uint8Array> {
  const file = openSync(path, flags);
  let into = new Uint8Array(chunkLength);
  try {
    for (let chunks = 1; ; chunks += 1) {
      const length = readSync(file, into, 0, chunkLength, null);
      if (length === 0) return;
      yield into.subarray(0, length);
      if (!fleeting) into = new Uint8Array(chunkLength);
      else if (chunks === 1 && length === chunkLength) into = pageMemory(chunkLength); // a small file is not worth it
      if (chunks % atATime === 0) await setImmediate();
    }
  } finally {
    closeSync(file);
  }
}

/**
 * The bytes of a file in order, decompressed where it is compressed with gzip (RFC 1952). Rejects where it cannot be
 * read further, after all before that was given. `fleeting`: a chunk is void once the next is asked for. `regular`: it
 * has to be a regular file, and no link.
 */
export async function* readBytes(
  path: string,
  options: { readonly fleeting?: boolean; readonly regular?: boolean } = {},
): AsyncGenerator<Uint8Array> {
  // Few captures are compressed, and loading zlib takes a while.
  const flags = options.regular === true ? regularFlags : constants.O_RDONLY;
  if (await isGzip(path, flags)) yield* (await import('./inflate.js')).inflate(path, flags);
  else yield* read(path, options.fleeting ?? false, flags);
}
