import { mkdirSync, readdirSync } from 'node:fs';

const usual = '/run/verify-isolation';

/** What a run has left there to undo: the lock of a run that was killed says nothing, for nobody holds it. */
export function journalsIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => !name.endsWith('.lock'));
}

/**
 * Words before a command line: the program runs in a mount namespace of its own, in which `folder` is where runs on a
 * host keep their journals. Signals and the process id stay the program's.
 */
export function withOwnJournals(folder: string): readonly string[] {
  for (const path of [folder, usual]) mkdirSync(path, { recursive: true, mode: 0o700 });
  return ['unshare', '--mount', 'sh', '-c', `mount --bind "$0" ${usual} && exec "$@"`, folder];
}
