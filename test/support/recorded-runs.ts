import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Result } from '../../src/core/model/result.js';
import { replayFolder } from '../../src/system/evidence/replay.js';

const captures = resolve(import.meta.dirname, '../../captures');

/** Names in captures/ of what a run left: captures of others have no plan. */
export const recordedRuns: readonly string[] = readdirSync(captures).filter((name) =>
  existsSync(join(captures, name, 'plan.json')),
);

const results = new Map<string, Promise<Result>>();

/** The result of a recorded run, which a process judges once for all its tests. */
export function resultOf(name: string): Promise<Result> {
  const known = results.get(name) ?? replayFolder(join(captures, name));
  results.set(name, known);
  return known;
}
