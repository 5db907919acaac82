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
 * Keys of a step that are read by themselves. A new one takes a line here, in the type above, in all that fails to
 * compile below, and its use in src/run/step.ts.
 */
export const plainKeys = {
  wait: time.optional().describe('Time between announcing and probing.'),
};

/** Their values in a step; absent ones are 0. */
export function readPlainKeys(
  faults: FaultList,
  raw: z.output<z.ZodObject<typeof plainKeys>>,
  path: Path,
): PlainStepKeys {
  return {
    waitMs: readTime(faults, raw.wait ?? 0, [...path, 'wait']),
  };
}

/** The plain keys of a step alone, alike in plan and scenario. */
export function plainKeysOf({ waitMs }: PlainStepKeys): PlainStepKeys {
  return { waitMs };
}

/** True if `plan --hash` covers it. */
export const plainKeysApproved: Readonly<Record<keyof PlainStepKeys, 'covered' | 'left out'>> = { waitMs: 'covered' };

/** The values of a step without a file. */
export const keysLeftOut = readPlainKeys(
  faultList(() => ({ line: 1, col: 1 })),
  {},
  [],
);

/** A scenario's time in milliseconds, 0 to a day; else a fault. */
export function readTime(faults: FaultList, raw: string | number, path: Path): number {
  const ms = milliseconds(raw);
  // setTimeout of Node counts in 31 bits; nobody waits longer than a day for a verdict.
  if (ms === null || ms > 86_400_000)
    faults.add(path, `${where(path)}: expected a time of whole milliseconds, at most 24h, got ${describe(raw)}`);
  return ms ?? 0;
}
