import { expect, it } from 'vitest';
import { combineExitStatuses } from '../../../src/cli/command.js';

it.each([
  [[0, 0], 0],
  [[4, 0], 4],
  [[4, 3], 3],
  [[3, 69], 69],
  [[69, 70], 70],
  [[70, 2, 0], 2],
  [[], 0],
] as const)('of %j takes %i', (statuses, status) => {
  expect(combineExitStatuses(statuses)).toBe(status);
});
