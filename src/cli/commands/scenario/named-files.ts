import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import type { FileHash, Scenario } from '../../../core/model/scenario.js';
import { commandsOf, includesFile } from '../../../core/scenario/free-commands.js';

/** Rules of a firewall of ten thousand guests have a tenth of it. */
const maxBytes = 64 * 1024 * 1024;

/** Files that the commands of a scenario name. */
export interface NamedFiles {
  /** Each once, as they are now. */
  readonly files: readonly FileHash[];
  /** Why a command takes `--allow-run`, a line each. */
  readonly refused: readonly string[];
}

/** A path inside a word: `--db=unix:/run/x.sock`, `options:path=/dev/x`. */
const pathInside = /(?:^|[=,"'\s{(@]|[A-Za-z0-9_]:)((?:\.\.)?\/[^\s"',;{}]*|\.\.)/g;

function pathsIn(word: string): readonly string[] {
  return [...word.matchAll(pathInside)].flatMap(([, path]) => path ?? []);
}

/**
 * Looks at every word of `run` and `during` that is the name of a file; relative paths start at the scenario's folder.
 * `anywhere`: files elsewhere are taken as well, as `--allow-run` says.
 */
export function namedFiles({ file, steps }: Pick<Scenario, 'file' | 'steps'>, anywhere: boolean): NamedFiles {
  const folder = dirname(file);
  const files = new Map<string, string>();
  const refused: string[] = [];
  for (const { step, argv } of commandsOf(steps)) {
    const [program, ...words] = argv;
    const say = (why: string): void => {
      if (!anywhere) refused.push(`${file}: step “${step}”: run: ${argv.join(' ')}: ${why}`);
    };
    /** `isPath`: it can be nothing else, whether it is there or not. */
    const take = (path: string, isPath: boolean): void => {
      const full = resolve(folder, path);
      const content = readBelow(folder, full, maxBytes, anywhere);
      if (content.kind === 'file') {
        files.set(path, createHash('sha256').update(content.bytes).digest('hex'));
        // of the programs that every scenario may start, nft alone has a language with such a statement
        if (program === 'nft' && includesFile(Buffer.from(content.bytes).toString('latin1')))
          say(`${path} reads another file with include`);
      } else if (content.kind === 'outside' || (isPath && relative(resolve(folder), full).startsWith('..')))
        say(`${path} is not below the folder of the scenario`);
      else if (content.kind === 'refused') say(`${path}: ${content.why}`);
    };
    for (const word of words) {
      const inside = pathsIn(word);
      for (const path of new Set(word === '' ? inside : [word, ...inside])) take(path, inside.includes(path));
    }
  }
  return { files: [...files].map(([path, sha256]) => ({ path, sha256 })), refused: [...new Set(refused)] };
}

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
 * `anywhere`: it may lie elsewhere.
 */
export function readBelow(folder: string, path: string, most: number, anywhere = false): FoundFile {
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
    if (!anywhere && !isBelow(real, realpathSync(folder)))
      return { kind: 'outside', why: 'it is not below the folder of the scenario' };
    if (!info.isFile()) return { kind: 'refused', why: 'it is not a file' };
    if (info.size > most) return { kind: 'refused', why: `it has ${info.size} bytes, expected at most ${most}` };
    return { kind: 'file', bytes: allOf(fd, info.size) };
  } finally {
    closeSync(fd);
  }
}
