import { getPriority, setPriority } from 'node:os';

/**
 * A tenth of the share of a process as it comes (sched(7)): enough to keep up, and a guest that wants the processor has
 * it.
 */
const niceness = 10;

/**
 * From now on this process and those that it starts wait for whoever else wants a processor; one that waits already
 * stays as it is.
 */
export function guestsFirst(): void {
  if (getPriority() < niceness) setPriority(niceness);
}
