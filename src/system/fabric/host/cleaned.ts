import { escapeText } from '../../../core/text/escape.js';

/** What became of the entries of a journal. */
export interface UndoOutcome {
  readonly undone: number;
  /** What somebody else has set since or put in its place: it is theirs, and left as it is. */
  readonly left: readonly string[];
  /** What is still the run's, and why it could not be undone. */
  readonly failed: readonly string[];
}

/** What was found of a run that was killed. */
export interface CleanedRun extends UndoOutcome {
  readonly kind: 'run';
  readonly runId: string;
}

/** Something that is no journal of this version: nothing in it was carried out. */
export interface RefusedFile {
  readonly kind: 'refused';
  readonly file: string;
  readonly why: string;
}

export type Cleaned = CleanedRun | RefusedFile;

/** Is nothing left that somebody has to look at? */
export function isClean(cleaned: Cleaned): boolean {
  return cleaned.kind === 'run' && cleaned.failed.length + cleaned.left.length === 0;
}

/** What `cleanup` says of it, and the next run. */
export function cleanedText(cleaned: Cleaned): string {
  if (cleaned.kind === 'refused')
    return `${escapeText(cleaned.file)} was left alone: ${escapeText(cleaned.why)}. Look at it, then remove it`;
  const { runId, undone, left, failed } = cleaned;
  const changes = `run ${escapeText(runId)} was killed: ${undone} ${undone === 1 ? 'change' : 'changes'} undone`;
  if (failed.length + left.length === 0) return `${changes}, nothing is left of it`;
  const lines = [...failed, ...left].map((one) => `\n  ${escapeText(one)}`).join('');
  return `${changes}, and this is ${failed.length > 0 ? 'left of it' : "somebody else's by now"}:${lines}`;
}
