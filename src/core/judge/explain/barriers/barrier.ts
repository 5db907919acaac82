import type { RowContext } from '../../rows/row-context.js';

/** What can stand between a sender and an observer. */
export interface Barrier {
  /** What it does, in a few words that follow "because". */
  readonly text: string;
  /** What would take it away. */
  readonly opens: string;
  /** Where the state shows it in the way of a row's frames; null = it is not. */
  readonly find: (row: RowContext) => string | null;
}
