import type { z } from 'zod';
import type { PlainStepKeys } from '../../model/scenario.js';
import { milliseconds } from '../../text/time.js';
import { describe, where } from '../yaml/explain-issue.js';
import { type FaultList, faultList, type Path } from '../yaml/fault.js';
import { time } from './values.js';

declare module '../../model/scenario.js' {
  interface PlainStepKeys {
    /** Between announcing and probing. */
    readonly waitMs: number;
  }
}

/**
 * Plain keys of a step: those that are read by themselves, whatever else the step says, with what each takes and means.
 * A new one is a line here, in the type above, and in what below does not compile without; src/run/step.ts does
 * something with it.
 */
export const plainKeys = {
  wait: time.optional().describe('Time between announcing and probing.'),
};

/** What they come to in a step; what is left out is 0. */
export function readPlainKeys(
  faults: FaultList,
  raw: z.output<z.ZodObject<typeof plainKeys>>,
  path: Path,
): PlainStepKeys {
  return {
    waitMs: readTime(faults, raw.wait ?? 0, [...path, 'wait']),
  };
}

/** The same, and nothing else, of a step: the plan has them as the scenario does. */
export function plainKeysOf({ waitMs }: PlainStepKeys): PlainStepKeys {
  return { waitMs };
}

/** True if an operator approves them with `plan --hash`. */
export const plainKeysApproved: Readonly<Record<keyof PlainStepKeys, 'covered' | 'left out'>> = { waitMs: 'covered' };

/** The same of a step that no file has. */
export const keysLeftOut = readPlainKeys(
  faultList(() => ({ line: 1, col: 1 })),
  {},
  [],
);

/** A time of a scenario in milliseconds, 0 to a day; a fault where it is none. */
export function readTime(faults: FaultList, raw: string | number, path: Path): number {
  const ms = milliseconds(raw);
  // setTimeout of Node counts in 31 bits; nobody waits longer than a day for a verdict.
  if (ms === null || ms > 86_400_000)
    faults.add(path, `${where(path)}: expected a time of whole milliseconds, at most 24h, got ${describe(raw)}`);
  return ms ?? 0;
}
