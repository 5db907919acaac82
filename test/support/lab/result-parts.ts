import type { GroupCause, Result } from '../../../src/core/model/result.js';

/** The causes of all leaks of a result, step by step. */
export const causesIn = ({ steps }: Result): readonly GroupCause[] =>
  steps.flatMap(({ groups = [] }) => groups.flatMap(({ causes }) => causes));

/** The codes of the barriers that a result names, step by step. */
export const barriersIn = ({ steps }: Result): readonly string[] =>
  steps.flatMap(({ held = [] }) => held.flatMap(({ barriers }) => barriers.map(({ code }) => code)));

/** The commands that fix the causes of a result, as a shell takes them, each once. */
export const fixesIn = (result: Result): readonly string[] => [
  ...new Set(causesIn(result).flatMap(({ fixes }) => fixes)),
];
