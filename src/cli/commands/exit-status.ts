/** The contract's order: of several files' statuses the first of these that occurs is the program's. */
const order = [2, 70, 69, 3, 4] as const;

export function combineExitStatuses(statuses: readonly number[]): number {
  return order.find((status) => statuses.includes(status)) ?? statuses.find((status) => status !== 0) ?? 0;
}
