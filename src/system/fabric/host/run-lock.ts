import { closeSync } from 'node:fs';
import { VerifyError } from '../../../core/model/verify-error.js';
import { showCommand } from '../../process/programs.js';
import { journalUnwritable } from './journal.js';
import { JournalFolder } from './journal-folder.js';
import { namespacePlace } from './namespace-place.js';

/** What a run locks. */
export interface RunLockInput {
  /** That of the journals: nobody but this user takes a lock in it. */
  readonly folder: string;
  /** Namespace of the interface; null = the caller's. */
  readonly netns: string | null;
  readonly ifindex: number;
  /** The interface as messages name it. */
  readonly what: string;
}

/**
 * Takes a lock on an interface that vanishes with its holder, however that ends: flock(2) on a file that is named by
 * the inode of the network namespace and the interface's index. Returns the function that gives it back. Throws
 * VerifyError (69): `locked` where somebody holds it, with the process that does, and as `JournalFolder.make`.
 */
export function takeRunLock(input: RunLockInput): () => void {
  try {
    return takeIn(JournalFolder.make(input.folder), input);
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? journalUnwritable(error) : error;
  }
}

/** The command of this process; the address of `--push` may have a password in it. */
function ownCommand(): readonly string[] {
  return process.argv.map((word, at, words) =>
    words[at - 1] === '--push' ? '…' : word.replace(/^--push=.*/, '--push=…'),
  );
}

function takeIn(folder: JournalFolder, { netns, ifindex, what }: RunLockInput): () => void {
  try {
    const name = `${namespacePlace(netns).inode}-${ifindex}.lock`;
    const taken = folder.take(name, `process ${process.pid} (${showCommand(ownCommand())})`);
    if (typeof taken === 'string')
      throw new VerifyError(
        'locked',
        69,
        `another run is on ${what}: ${taken === '' ? 'a process that has just begun' : taken}`,
        'wait for it to end: one run at a time on a bridge',
      );
    return () => {
      folder.remove(name);
      closeSync(taken);
      folder.close();
    };
  } catch (error) {
    folder.close();
    throw error;
  }
}
