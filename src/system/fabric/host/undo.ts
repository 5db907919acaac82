import { decideUndo } from '../../../core/bridge/undo/decide.js';
import { isOfOvs, type UndoDecision, type UndoEntry } from '../../../core/bridge/undo/entry.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { escapeText } from '../../../core/text/escape.js';
import { commandFailed, runProgram } from '../../process/programs.js';
import { leftJournals, type OrphanedJournal } from './journal.js';
import { whereIs } from './namespace-place.js';
import { readPresent } from './present.js';

/**
 * Undoes entries, latest first, whatever fails on the way: each only where interface and present value are the run's,
 * and looks whether it is as it was.
 */
export async function undoAll(entries: readonly UndoEntry[], netns: string | null): Promise<UndoOutcome> {
  const [left, failed]: [string[], string[]] = [[], []];
  let undone = 0;
  for (const entry of entries) {
    try {
      const outcome = await undoOne(entry, netns);
      if (outcome.kind === 'left') left.push(`${outcome.why}: left as it is`);
      if (outcome.undone) undone += 1;
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      failed.push(error.message);
    }
  }
  return { undone, left, failed };
}

async function undoOne(
  entry: UndoEntry,
  netns: string | null,
): Promise<Exclude<UndoDecision, { kind: 'undo' }> & { readonly undone: boolean }> {
  const first = decideUndo(entry, await readPresent(entry, netns));
  if (first.kind !== 'undo') return { ...first, undone: false };
  const refusals: VerifyError[] = [];
  for (const command of first.commands) {
    const outcome = await runProgram(command, { netns });
    if (outcome.status !== 0) refusals.push(commandFailed(command, outcome));
  }
  const then = decideUndo(entry, await readPresent(entry, netns));
  // What is gone by now, or as it was, is nobody's fault.
  if (then.kind !== 'undo') return { ...then, undone: refusals.length === 0 };
  throw (
    refusals[0] ??
    new VerifyError('command-failed', 3, `${describeUndo(entry)} is not as it was`, 'does another program set it?')
  );
}

function describeUndo(entry: UndoEntry): string {
  return `${entry.kind} ${'on' in entry ? (entry.on?.name ?? '') : ''}`.trim();
}

/**
 * Undoes what killed runs have left, by their journals. A journal stays where something is still the run's and could
 * not be undone: what is another's by now is reported once. A namespace that is no more took everything with it but
 * what Open vSwitch keeps; changes in a namespace that cannot be distinguished from here are left alone and named.
 */
export async function cleanUp(folder: string): Promise<readonly Cleaned[]> {
  const cleaned: Cleaned[] = [];
  try {
    for (const found of leftJournals(folder)) cleaned.push(found.kind === 'refused' ? found : await cleanOne(found));
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    cleaned.push({ kind: 'refused', file: folder, why: `${error.message} (${error.hint})` });
  }
  return cleaned;
}

async function cleanOne({ file, owner, entries, unread, remove, release }: OrphanedJournal): Promise<CleanedRun> {
  const { runId, place } = owner;
  let isDone = false;
  try {
    const where = whereIs(place);
    if (where === 'elsewhere')
      return outcomeOf(runId, {
        undone: 0,
        left: [],
        failed: ['it ran in another network namespace: run cleanup there'],
      });
    const owed = where === 'here' ? entries : entries.filter(isOfOvs);
    const { undone, left, failed } = await undoAll(owed, place.path);
    const outcomes = [
      ...failed,
      ...unread.map((line) => `line ${line} of ${file} cannot be read: look at it, then remove it`),
    ];
    isDone = outcomes.length === 0;
    return outcomeOf(runId, { undone, left, failed: outcomes });
  } finally {
    if (isDone) remove();
    else release();
  }
}

function outcomeOf(runId: string, outcome: UndoOutcome): CleanedRun {
  return { kind: 'run', runId, ...outcome };
}

/** What became of the entries of a journal. */
interface UndoOutcome {
  readonly undone: number;
  /** What somebody else has set since or put in its place: it is theirs, and left as it is. */
  readonly left: readonly string[];
  /** What is still the run's, and why it could not be undone. */
  readonly failed: readonly string[];
}

/** What was found of a run that was killed. */
interface CleanedRun extends UndoOutcome {
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
  const lines = [...failed, ...left].map((text) => `\n  ${escapeText(text)}`).join('');
  return `${changes}, and this is ${failed.length > 0 ? 'left of it' : "somebody else's by now"}:${lines}`;
}
