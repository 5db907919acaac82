import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { columnsOf, wantsColor } from '../../../src/cli/screen.js';

beforeEach(() => {
  for (const name of ['COLUMNS', 'NO_COLOR', 'FORCE_COLOR']) vi.stubEnv(name, undefined);
  vi.stubEnv('TERM', 'xterm');
});
afterEach(() => vi.unstubAllEnvs());

describe('columnsOf', () => {
  it.each([
    ['a terminal', { columns: 120 }, undefined, 120],
    ['a pipe', {}, undefined, 80],
    ['a terminal without a size', { columns: 0 }, undefined, 80],
    ['COLUMNS before the terminal', { columns: 120 }, '100', 100],
    ['COLUMNS for a pipe', {}, '100', 100],
    ['a terminal that is too wide to read', { columns: 240 }, undefined, 120],
    ['COLUMNS wider than that', { columns: 100 }, '240', 240],
    ['COLUMNS that is no width', { columns: 120 }, 'wide', 120],
    ['COLUMNS too narrow to read', { columns: 120 }, '3', 120],
  ])('%s', (_, screen, columns, expected) => {
    vi.stubEnv('COLUMNS', columns);
    expect(columnsOf(screen)).toBe(expected);
  });

  it('takes all columns with --wide, and 250 for a pipe', () => {
    expect([columnsOf({ columns: 240 }, 80, true), columnsOf({}, 80, true)]).toEqual([240, 250]);
  });
});

describe('wantsColor', () => {
  it.each([
    ['a terminal', true, {}, true],
    ['a pipe', undefined, {}, false],
    ['a dumb terminal', true, { TERM: 'dumb' }, false],
    ['NO_COLOR', true, { NO_COLOR: '1' }, false],
    ['FORCE_COLOR for a pipe', undefined, { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, false],
    ['NO_COLOR before FORCE_COLOR', undefined, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
  ])('%s', (_, isTTY, env, expected) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    expect(wantsColor(isTTY === undefined ? {} : { isTTY })).toBe(expected);
  });
});
