import { closeSync, constants, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { pageMemory } from '../../kernel/page-memory.js';
import { openRegular, regularFlags } from './regular-file.js';

/** Fits into a processor's second-level cache with what is made of it. */
const chunkLength = 1 << 18;
/** Chunks after which timers and signals have their turn. */
const atATime = 64;

/** Do a file's first bytes say that it is compressed with gzip? */
export function isGzipHead(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** A file that is open; `size`: null = only its end says how long it is. */
interface OpenFile {
  readonly fd: number;
  readonly size: number | null;
}

/**
 * Waiting for a thread that reads takes longer than reading: what is read next is in memory already, by the kernel's
 * read-ahead at the latest.
 */
async function* read({ fd, size }: OpenFile, fleeting: boolean): AsyncGenerator<Uint8Array> {
  // Of a fleet most files are small: memory of their size costs less than a chunk
  let into = new Uint8Array(Math.min(chunkLength, Math.max(2, size ?? chunkLength)));
  for (let chunks = 1; ; chunks += 1) {
    const length = readSync(fd, into, 0, into.length, null);
    if (length === 0) return;
    yield into.subarray(0, length);
    if (!fleeting) into = new Uint8Array(chunkLength);
    // a small file is not worth it, unless it grows
    else if (chunks === 1 ? length === chunkLength : into.length < chunkLength) into = pageMemory(chunkLength);
    if (chunks % atATime === 0) await setImmediate();
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
  const { regular = false, fleeting = false } = options;
  const file = regular ? openRegular(path) : { fd: openSync(path, constants.O_RDONLY), size: null };
  try {
    const head = new Uint8Array(2);
    // Few captures are compressed, and loading zlib takes a while.
    if (readSync(file.fd, head, 0, 2, 0) === 2 && isGzipHead(head)) {
      const { inflate } = await import('./inflate.js');
      yield* inflate(path, regular ? regularFlags : constants.O_RDONLY);
    } else yield* read(file, fleeting);
  } finally {
    closeSync(file.fd);
  }
}
