import type { z } from 'zod';
import { explainIssues } from './explain-issue.js';
import type { FaultList, Path } from './fault.js';

export interface Salvaged<T> {
  readonly value: T;
  /** Faulty keys missing from `value`: their absence is no fault. */
  readonly dropped: ReadonlySet<string>;
}

/** A file has few pieces of each kind: compiling a schema takes longer than it saves. */
const once = { jitless: true };

/**
 * Reads a piece of a file by its schema and reports faults. Goes on without faulty keys if possible, so that later
 * checks find more; else null.
 */
export function salvage<S extends z.ZodType>(
  faults: FaultList,
  schema: S,
  input: unknown,
  path: Path,
): Salvaged<z.output<S>> | null {
  const first = schema.safeParse(input, once);
  if (first.success) return { value: first.data, dropped: new Set() };
  explainIssues(faults, schema, input, path, first.error.issues);
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return null;
  const dropped = new Set(
    first.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : issue.path.slice(0, 1).map(String),
    ),
  );
  const second = schema.safeParse(Object.fromEntries(Object.entries(input).filter(([key]) => !dropped.has(key))), once);
  return second.success ? { value: second.data, dropped } : null;
}
