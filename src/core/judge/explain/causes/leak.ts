import type { Fix } from '../../../model/fabric.js';
import type { Cause } from '../../../model/result.js';
import type { RowContext } from '../../rows/row-context.js';

/** A leak with what the plan says of the frame and the kernel said around it: all that a cause is found from. */
export type LeakContext = RowContext;

/** Finds one cause in a leak; null = it is not this one. */
export type CauseFinder = (leak: LeakContext) => FoundCause | null;

/** A cause as it was found; `fix` null = none is known. */
export interface FoundCause extends Pick<Cause, 'place' | 'value' | 'text'> {
  readonly fix: Fix | null;
}
