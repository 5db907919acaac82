import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type WireComparison, compareWithWire } from '../../../src/core/audit/compare-with-wire.js';
import type { Result } from '../../../src/core/model/result.js';
import { parseFolder } from '../../../src/system/evidence/folder/parse-folder.js';
import { replayFolder } from '../../../src/system/evidence/replay.js';

/**
 * What the state before each step of a run let expect, beside what the wire then showed. `result`: where the folder
 * keeps none, it is judged again.
 */
export async function heldAgainstWire(dir: string, result?: Result): Promise<readonly WireComparison[]> {
  const { plan, states } = await parseFolder(dir);
  return compareWithWire(
    plan,
    result ?? (await replayFolder(dir)),
    states.map(({ before }) => before),
  );
}

/** Recorded scenarios in which a lower device hands from guest to guest, or the host routes: no bridge's doing. */
export const unbridged: readonly string[] = ['macvlan', 'ipvlan', 'routed'];

/** The same of a run just made. Throws where it has no row of which a prediction could be made. */
export async function heldRun(dir: string): Promise<readonly WireComparison[]> {
  const result: Result = JSON.parse(readFileSync(join(dir, 'result.json'), 'utf8'));
  const rows = await heldAgainstWire(dir, result);
  if (rows.length === 0) throw new Error(`no row of ${dir} was predicted`);
  return rows;
}

/**
 * Where the wire said otherwise, the rule is at fault; and where nothing was said, but for rows of which nothing can be
 * said.
 */
export function differing(
  rows: readonly WireComparison[],
  canBeOpen: (row: WireComparison) => boolean = () => false,
): readonly WireComparison[] {
  return rows.filter((row) => row.outcome === 'differs' || (row.outcome === 'open' && !canBeOpen(row)));
}

/** The state did not say what becomes of it. */
export function isUnsaid({ forecast }: WireComparison): boolean {
  return forecast.reach === 'unknown';
}
