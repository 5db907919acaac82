import { join, resolve } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { diffCommand } from '../../../../../src/cli/commands/evidence/diff.js';

const captures = resolve(import.meta.dirname, '../../../../../captures');
afterEach(() => vi.restoreAllMocks());

it.each([
  ['nothing is otherwise', 'reasons-base', 'reasons-base', 0],
  ['a step that held is not proven now', 'reasons-base', 'reason-control-missing', 3],
  ['a step holds that was not proven', 'reason-control-missing', 'reasons-base', 0],
])('where %s the status says so', async (_what, first, second, status) => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  expect(await diffCommand(join(captures, first), join(captures, second), false)).toBe(status);
});
