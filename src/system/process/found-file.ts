import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, realpathSync } from 'node:fs';
import { isAbsolute, relative } from 'node:path';

/** What was found at a path. */
export type FoundFile =
  | { readonly kind: 'file'; readonly bytes: Uint8Array }
  /** Nothing of it was read. */
  | { readonly kind: 'none' | 'outside' | 'refused'; readonly why: string };

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith('../') && !isAbsolute(way);
}

function allOf(fd: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let filled = 0;
  while (filled < size) {
    const length = readSync(fd, bytes, filled, size - filled, null);
    if (length === 0) break;
    filled += length;
  }
  return bytes.subarray(0, filled);
}

/**
 * Reads a regular file of at most `most` bytes that lies below a folder. What counts is where the file is that was
 * opened, whatever links lead there: of one that lies elsewhere nothing is read, and of a fifo or a device neither.
 * `folder`: null = it may lie anywhere.
 */
export function readFileBelow(path: string, most: number, folder: string | null): FoundFile {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code));
    return { kind: missing ? 'none' : 'refused', why: error instanceof Error ? error.message : String(error) };
  }
  try {
    const real = readlinkSync(`/proc/self/fd/${fd}`);
    const info = fstatSync(fd);
    if (info.isDirectory()) return { kind: 'none', why: 'it is not a file' };
    if (folder !== null && !isBelow(real, realpathSync(folder)))
      return { kind: 'outside', why: 'it is not below the folder of the scenario' };
    if (!info.isFile()) return { kind: 'refused', why: 'it is not a file' };
    if (info.size > most) return { kind: 'refused', why: `it has ${info.size} bytes, expected at most ${most}` };
    return { kind: 'file', bytes: allOf(fd, info.size) };
  } finally {
    closeSync(fd);
  }
}
