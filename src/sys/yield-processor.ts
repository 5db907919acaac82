import { setPriority } from 'node:os';

/** Lower than what has none of its own. */
const behind = 10;

/** Lets everybody else on this machine go first, for as long as the calling thread lives: setpriority(2) takes the thread where it says process, on Linux. */
export function yieldProcessor(): void {
  setPriority(behind);
}
