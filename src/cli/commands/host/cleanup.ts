import { VerifyError } from '../../../core/model/verify-error.js';
import { escapeText } from '../../../core/text/escape.js';
import { journalFolder } from '../../../system/fabric/host/journal.js';
import { type CleanedRun, cleanUp } from '../../../system/fabric/host/undo.js';

/** Undoes what killed runs have left on this host; returns the exit status: 0, or 3 where something is still there. */
export async function cleanupCommand(): Promise<number> {
  if (process.getuid?.() !== 0)
    throw new VerifyError('not-root', 69, 'only root can undo what a run on this host has changed', 'run it with sudo');
  const cleaned = await cleanUp(journalFolder());
  const lines =
    cleaned.length === 0 ? ['nothing to clean up: no run on this host was killed'] : cleaned.map(cleanedText);
  process.stdout.write(`${lines.join('\n')}\n`);
  return cleaned.some(({ failed }) => failed.length > 0) ? 3 : 0;
}

export function cleanedText({ runId, undone, failed }: CleanedRun): string {
  if (failed.length === 0)
    return `run ${escapeText(runId)} was killed: ${undone} ${undone === 1 ? 'change' : 'changes'} undone, nothing is left of it`;
  return `run ${escapeText(runId)} was killed and this is left of it:${failed.map((one) => `\n  ${escapeText(one)}`).join('')}`;
}
