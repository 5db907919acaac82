import { decideUndo } from '../../../core/bridge/undo/decide.js';
import { isOfOvs, type UndoDecision, type UndoEntry } from '../../../core/bridge/undo/entry.js';
import { assertKnown, VerifyError } from '../../../core/model/verify-error.js';
import { counted, escapeText } from '../../../core/text/escape.js';
import { commandFailed, runProgram } from '../../process/programs.js';
import { leftJournals, type OrphanedJournal } from './journal.js';
import { whereIs } from './namespace-place.js';
import { readPresent } from './present.js';

/**
 * Undoes entries, latest first, whatever fails. Others' changes stay. The run's interfaces come last, after `takeAway`,
 * which may remove them itself.
 */
export async function undoAll(
  entries: readonly UndoEntry[],
  netns: string | null,
  takeAway: () => Promise<void> = async () => undefined,
): Promise<UndoOutcome> {
  const changed = await undoInTurn(
    entries.filter(({ kind }) => kind !== 'interface'),
    netns,
  );
  const interfaces = entries.filter(({ kind }) => kind === 'interface');
  const present = await readMade(interfaces, netns);
  await takeAway();
  const deleted = await deleteTogether(present.toRestore, netns);
  const rest = await undoInTurn(
    present.toRestore.filter((entry) => !deleted.has(entry)),
    netns,
  );
  return {
    undone: changed.undone + deleted.size + rest.undone,
    unrestored: [...changed.unrestored, ...present.unrestored, ...rest.unrestored],
    failed: [...changed.failed, ...rest.failed],
  };
}

async function undoInTurn(entries: readonly UndoEntry[], netns: string | null): Promise<UndoOutcome> {
  const [unrestored, failed]: [string[], string[]] = [[], []];
  let undone = 0;
  for (const entry of entries) {
    try {
      const outcome = await undoOne(entry, netns);
      if (outcome.kind === 'left') unrestored.push(asItIs(outcome));
      if (outcome.undone) undone += 1;
    } catch (error) {
      assertKnown(error);
      failed.push(error.message);
    }
  }
  return { undone, unrestored, failed };
}

function asItIs({ why }: Extract<UndoDecision, { kind: 'left' }>): string {
  return `${why}: left as it is`;
}

async function readMade(
  entries: readonly UndoEntry[],
  netns: string | null,
): Promise<{ readonly toRestore: readonly UndoEntry[]; readonly unrestored: readonly string[] }> {
  const decided = await decideTogether(entries, netns);
  if (decided === null) return { toRestore: entries, unrestored: [] };
  return {
    toRestore: decided.flatMap(({ entry, decision }) => (decision.kind === 'undo' ? [entry] : [])),
    unrestored: decided.flatMap(({ decision }) => (decision.kind === 'left' ? [asItIs(decision)] : [])),
  };
}

async function deleteTogether(entries: readonly UndoEntry[], netns: string | null): Promise<ReadonlySet<UndoEntry>> {
  const before = (await decideTogether(entries, netns)) ?? [];
  const commands = before.flatMap(({ decision }) => (decision.kind === 'undo' ? decision.commands : []));
  const input = commands.map(([, ...words]) => `${words.join(' ')}\n`).join('');
  if (commands.length > 0) await runProgram(['ip', '-force', '-batch', '-'], { netns, input, timeoutMs: deleteMs });
  const after = commands.length > 0 ? ((await decideTogether(entries, netns)) ?? []) : before;
  return new Set(after.flatMap(({ entry, decision }) => (decision.kind === 'done' ? [entry] : [])));
}

/** The kernel takes some 20 ms for each. */
const deleteMs = 120_000;

async function decideTogether(
  entries: readonly UndoEntry[],
  netns: string | null,
): Promise<readonly { readonly entry: UndoEntry; readonly decision: UndoDecision }[] | null> {
  const [first] = entries;
  if (first === undefined) return [];
  try {
    const present = await readPresent(first, netns);
    return entries.map((entry) => ({ entry, decision: decideUndo(entry, present) }));
  } catch (error) {
    assertKnown(error);
    return null; // each is undone alone, and reports why
  }
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
  // Already gone or restored: no failure.
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
 * Undoes what killed runs left. A journal stays while something remains. An ended namespace leaves only Open vSwitch's
 * rows. An unidentifiable one is only named.
 */
export async function cleanUp(folder: string): Promise<readonly Cleaned[]> {
  const cleaned: Cleaned[] = [];
  try {
    for (const journal of leftJournals(folder))
      cleaned.push(journal.kind === 'refused' ? journal : await cleanOne(journal));
  } catch (error) {
    assertKnown(error);
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
        unrestored: [],
        failed: ['it ran in another network namespace: run cleanup there'],
      });
    const toRestore = where === 'here' ? entries : entries.filter(isOfOvs);
    const { undone, unrestored, failed } = await undoAll(toRestore, place.path);
    const outcomes = [
      ...failed,
      ...unread.map((line) => `line ${line} of ${file} cannot be read: look at it, then remove it`),
    ];
    isDone = outcomes.length === 0;
    return outcomeOf(runId, { undone, unrestored, failed: outcomes });
  } finally {
    if (isDone) remove();
    else release();
  }
}

function outcomeOf(runId: string, outcome: UndoOutcome): CleanedRun {
  return { kind: 'run', runId, ...outcome };
}

interface UndoOutcome {
  readonly undone: number;
  /** Left as another program changed or replaced them. */
  readonly unrestored: readonly string[];
  readonly failed: readonly string[];
}

interface CleanedRun extends UndoOutcome {
  readonly kind: 'run';
  readonly runId: string;
}

/** No journal of this version, and not carried out. */
export interface RefusedFile {
  readonly kind: 'refused';
  readonly file: string;
  readonly why: string;
}

export type Cleaned = CleanedRun | RefusedFile;

/** True if nothing remains for the user. */
export function isClean(cleaned: Cleaned): boolean {
  return cleaned.kind === 'run' && cleaned.failed.length + cleaned.unrestored.length === 0;
}

/** Text for `cleanup` and the next run. */
export function cleanedText(cleaned: Cleaned): string {
  if (cleaned.kind === 'refused')
    return `${escapeText(cleaned.file)} was left alone: ${escapeText(cleaned.why)}. Look at it, then remove it`;
  const { runId, undone, unrestored, failed } = cleaned;
  const changes = `run ${escapeText(runId)} was killed: ${counted(undone, 'change')} undone`;
  if (failed.length + unrestored.length === 0) return `${changes}, nothing is left of it`;
  const lines = [...failed, ...unrestored].map((text) => `\n  ${escapeText(text)}`).join('');
  return `${changes}, and this is ${failed.length > 0 ? 'left of it' : "another program's by now"}:${lines}`;
}
