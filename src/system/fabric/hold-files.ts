import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import type { FileHash } from '../../core/model/scenario.js';
import { messageOf, systemCode, VerifyError } from '../../core/model/verify-error.js';
import { maxNamedBytes, replacePaths, whyForeign } from '../../core/scenario/free-commands.js';
import { openSealedFile } from '../kernel/fd-passing.js';

const firstHanded = 3;

/** A command with its files held open, safe from changes. */
export interface HeldCommand {
  readonly argv: readonly string[];
  readonly handed: readonly number[];
  readonly said: (text: string) => string;
  close(): void;
}

/**
 * Keeps a command's files in memory, as a name opened again may lead elsewhere. With `--allow-run` only whole words are
 * names. Throws VerifyError (3) `file-changed` if a hash differs.
 */
export function holdFiles(argv: readonly string[], folder: string, files: readonly FileHash[]): HeldCommand {
  const hashes = new Map(files.map(({ path, sha256 }) => [path, sha256]));
  const opened = new Map<string, number>();
  const name = (at: number): string => `/proc/self/fd/${firstHanded + at}`;
  const close = (): void => {
    for (const fd of opened.values()) closeSync(fd);
  };
  const hold = (path: string): string | undefined => {
    const sha256 = hashes.get(path);
    if (sha256 === undefined) return undefined;
    if (!opened.has(path)) {
      const found = readFileBelow(resolve(folder, path), maxNamedBytes, null);
      if (found.kind !== 'file' || createHash('sha256').update(found.bytes).digest('hex') !== sha256)
        throw new VerifyError(
          'file-changed',
          3,
          `${path} was changed since the run began: ${argv.join(' ')} is not carried out`,
          'a run does nothing else than its approved plan: run it again',
        );
      opened.set(path, openSealedFile(found.bytes));
    }
    return name([...opened.keys()].indexOf(path));
  };
  try {
    const [program = '', ...words] = argv;
    const isFree = whyForeign(argv) === null;
    const heldWords = words.map((word) => (isFree ? replacePaths(word, hold) : (hold(word) ?? word)));
    const paths = [...opened.keys()];
    return {
      argv: [program, ...heldWords],
      handed: [...opened.values()],
      said: (text) => paths.reduceRight((so, path, at) => so.replaceAll(name(at), path), text),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** A file, or why it was not read. */
export type FoundFile =
  | { readonly kind: 'file'; readonly bytes: Uint8Array }
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

/** A regular file up to `most` bytes, really below `folder` (null = anywhere). */
export function readFileBelow(path: string, most: number, folder: string | null): FoundFile {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    const missing = ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');
    return { kind: missing ? 'none' : 'refused', why: messageOf(error) };
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
