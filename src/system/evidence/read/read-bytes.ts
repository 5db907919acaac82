import { closeSync, constants, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { pageMemory } from '../../kernel/page-memory.js';
import { openRegular, regularFlags } from './regular-file.js';

/** A second-level cache holds it with its results. */
const chunkLength = 1 << 18;
const atATime = 64;

/** True for gzip's first bytes. */
export function isGzipHead(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** `size`: null = known only at its end. */
interface OpenFile {
  readonly fd: number;
  readonly size: number | null;
}

/** The kernel reads ahead, so waiting for a thread takes longer. */
async function* read({ fd, size }: OpenFile, fleeting: boolean): AsyncGenerator<Uint8Array> {
  // A fleet's files are mostly small: memory of their size costs less than a chunk
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
 * Decompressed if gzip (RFC 1952). Rejects if unreadable, after all before. `fleeting`: a chunk is void once the next
 * is requested. `regular`: refuses links and other files.
 */
export async function* readBytes(
  path: string,
  options: { readonly fleeting?: boolean; readonly regular?: boolean } = {},
): AsyncGenerator<Uint8Array> {
  const { regular = false, fleeting = false } = options;
  const file = regular ? openRegular(path) : { fd: openSync(path, constants.O_RDONLY), size: null };
  try {
    const head = new Uint8Array(2);
    // Few captures are compressed, and loading zlib takes time.
    if (readSync(file.fd, head, 0, 2, 0) === 2 && isGzipHead(head)) {
      const { inflate } = await import('./inflate.js');
      yield* inflate(path, regular ? regularFlags : constants.O_RDONLY);
    } else yield* read(file, fleeting);
  } finally {
    closeSync(file.fd);
  }
}
