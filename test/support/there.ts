/**
 * What a test is known to have, of a fixture or of a process: without it the test says so and does not go on, and kills
 * nobody else's process, as it would by number 0.
 */
export function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('what the test needs is not there');
  return value;
}
