import { closeSync } from 'node:fs';
import { VerifyError } from '../../../core/model/verify-error.js';
import { showCommand } from '../../process/programs.js';
import { journalUnwritable } from './journal.js';
import { JournalFolder } from './journal-folder.js';
import { namespacePlace } from './namespace-place.js';

export interface RunLockInput {
  /** The journals' folder: no other user can take a lock in it. */
  readonly folder: string;
  /** null = the caller's. */
  readonly netns: string | null;
  readonly ifindex: number;
  readonly what: string;
}

/**
 * Locks an interface (flock(2)) until the result is called or the process ends. Throws VerifyError (69): `locked`, and
 * as `JournalFolder.make`.
 */
export function takeRunLock(input: RunLockInput): () => void {
  try {
    return takeIn(JournalFolder.make(input.folder), input);
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? journalUnwritable(error) : error;
  }
}

function takeIn(folder: JournalFolder, { netns, ifindex, what }: RunLockInput): () => void {
  try {
    const name = `${namespacePlace(netns).inode}-${ifindex}.lock`;
    const taken = folder.take(name, `process ${process.pid} (${showCommand(process.argv)})`);
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
