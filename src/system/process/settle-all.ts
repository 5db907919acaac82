/**
 * Waits for all, and gives their values in order. If one fails, calls `undo` with each value of the others and rejects
 * with the first failure.
 */
export async function settleAll<T>(
  starting: readonly Promise<T>[],
  undo: (value: T) => void = () => undefined,
): Promise<readonly T[]> {
  const settled = await Promise.allSettled(starting);
  const values = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failed = settled.find((each) => each.status === 'rejected');
  if (failed === undefined) return values;
  values.forEach(undo);
  throw failed.reason;
}
