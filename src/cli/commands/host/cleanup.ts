import { VerifyError } from '../../../core/model/verify-error.js';
import { journalFolder } from '../../../system/fabric/host/journal.js';
import { cleanedText, cleanUp, isClean } from '../../../system/fabric/host/undo.js';

/** Undoes changes that killed runs left here. Status 3 = something remains. */
export async function cleanupCommand(): Promise<number> {
  if (process.getuid?.() !== 0)
    throw new VerifyError('not-root', 69, 'only root can undo what a run on this host has changed', 'run it with sudo');
  const cleaned = await cleanUp(journalFolder());
  const lines =
    cleaned.length === 0 ? ['nothing to clean up: no run on this host was killed'] : cleaned.map(cleanedText);
  process.stdout.write(`${lines.join('\n')}\n`);
  return cleaned.every(isClean) ? 0 : 3;
}
