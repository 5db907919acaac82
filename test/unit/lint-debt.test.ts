import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

it('lint passes over no violation: the list of older ones is empty, and stays so', () => {
  expect(existsSync(join(resolve(import.meta.dirname, '../..'), 'eslint-suppressions.json'))).toBe(false);
});
