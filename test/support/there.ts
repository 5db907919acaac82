/** What a fixture is known to have: a test that lost it says so and does not go on without. */
export function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the fixture has changed');
  return value;
}
