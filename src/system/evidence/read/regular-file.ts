import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { systemCode } from '../../../core/model/verify-error.js';

/** Safe if another user filled the folder: no links, and a fifo does not block. */
export const regularFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/** Opens a regular file, with its size. Throws if it is none. */
export function openRegular(path: string): { readonly fd: number; readonly size: number } {
  const fd = openSync(path, regularFlags);
  const info = fstatSync(fd);
  if (info.isFile()) return { fd, size: info.size };
  closeSync(fd);
  throw new Error('it is not a regular file');
}

/** Text of a regular file of at most `most` bytes. Throws on others. */
export function readRegular(path: string, most: number): string {
  const { fd, size } = openRegular(path);
  try {
    if (size > most) throw new Error(`it has ${size} bytes, expected at most ${most}`);
    const bytes = Buffer.alloc(size);
    let filled = 0;
    while (filled < size) {
      const length = readSync(fd, bytes, filled, size - filled, filled);
      if (length === 0) break;
      filled += length;
    }
    return bytes.toString('utf8', 0, filled);
  } finally {
    closeSync(fd);
  }
}

/** As `readRegular`. null = no such file. */
export function readRegularIfThere(path: string, most: number): string | null {
  try {
    return readRegular(path, most);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return null;
    throw error;
  }
}

/** A line without its end. `text` null = too long. */
export interface FileLine {
  readonly text: string | null;
  readonly sha256: string;
}

const chunkLength = 1 << 16;
const lineEnd = 0x0a;

/** Non-empty lines, one in memory. Throws if it is no regular file. */
export function* linesOfRegular(path: string, maxInLine: number): Generator<FileLine> {
  const { fd } = openRegular(path);
  const chunk = Buffer.alloc(chunkLength);
  let parts: Buffer[] = [];
  let length = 0;
  let hash = createHash('sha256');
  const add = (part: Buffer): void => {
    length += part.length;
    hash.update(part);
    if (length <= maxInLine) parts.push(Buffer.from(part));
    else parts = [];
  };
  const take = (): FileLine | null => {
    const line =
      length === 0
        ? null
        : { text: length > maxInLine ? null : Buffer.concat(parts).toString('utf8'), sha256: hash.digest('hex') };
    parts = [];
    length = 0;
    hash = createHash('sha256');
    return line;
  };
  try {
    for (let read = readSync(fd, chunk); read > 0; read = readSync(fd, chunk)) {
      let from = 0;
      for (let end = chunk.indexOf(lineEnd); end !== -1 && end < read; end = chunk.indexOf(lineEnd, from)) {
        add(chunk.subarray(from, end));
        from = end + 1;
        const line = take();
        if (line !== null) yield line;
      }
      if (from < read) add(chunk.subarray(from, read));
    }
    const last = take();
    if (last !== null) yield last;
  } finally {
    closeSync(fd);
  }
}
