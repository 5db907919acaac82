import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { resolve } from 'node:path';
import type { FileHash } from '../../core/model/scenario.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { maxNamedBytes, replacePaths, whyForeign } from '../../core/scenario/free-commands.js';
import { openSealedFile } from '../kernel/fd-passing.js';
import { readFileBelow } from '../process/found-file.js';

/** Descriptors 0 to 2 are the streams of a program. */
const firstHanded = 3;

/** A command whose files are held open: what its program reads cannot be changed any more. */
export interface HeldCommand {
  /** With the names of descriptors instead of those of files. */
  readonly argv: readonly string[];
  /** What the program inherits, from descriptor 3 on. */
  readonly handed: readonly number[];
  /** What the program printed, with the files' own names. */
  readonly said: (text: string) => string;
  close(): void;
}

/**
 * Reads each file that a command names once, compares it with its hash, and keeps these bytes in memory for the
 * program: a file that is opened again by its name may be another one. Of programs that `--allow-run` has let in only
 * whole words are taken for names. Throws VerifyError (3) `file-changed` where one is not as it was when the scenario
 * was loaded.
 */
export function holdFiles(argv: readonly string[], folder: string, files: readonly FileHash[]): HeldCommand {
  const hashes = new Map(files.map(({ path, sha256 }) => [path, sha256]));
  const held = new Map<string, number>();
  const name = (at: number): string => `/proc/self/fd/${firstHanded + at}`;
  const close = (): void => {
    for (const fd of held.values()) closeSync(fd);
  };
  const hold = (path: string): string | undefined => {
    const sha256 = hashes.get(path);
    if (sha256 === undefined) return undefined;
    if (!held.has(path)) {
      const found = readFileBelow(resolve(folder, path), maxNamedBytes, null);
      if (found.kind !== 'file' || createHash('sha256').update(found.bytes).digest('hex') !== sha256)
        throw new VerifyError(
          'file-changed',
          3,
          `${path} was changed since the run began: ${argv.join(' ')} is not carried out`,
          'what a run does is what its plan was approved with: run it again',
        );
      held.set(path, openSealedFile(found.bytes));
    }
    return name([...held.keys()].indexOf(path));
  };
  try {
    const [program = '', ...words] = argv;
    const isFree = whyForeign(argv) === null;
    const heldWords = words.map((word) => (isFree ? replacePaths(word, hold) : (hold(word) ?? word)));
    const paths = [...held.keys()];
    return {
      argv: [program, ...heldWords],
      handed: [...held.values()],
      said: (text) => paths.reduceRight((so, path, at) => so.replaceAll(name(at), path), text),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
