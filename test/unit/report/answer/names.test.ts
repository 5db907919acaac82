import { describe, expect, it } from 'vitest';
import { countText, listText, setText, stepsText } from '../../../../src/report/answer/participants.js';

describe('a number', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1700, '1,700'],
    [7_880_400, '7,880,400'],
  ])('%i is written as %s', (count, text) => expect(countText(count)).toBe(text));
});

describe('a set of names', () => {
  const numbered = (stem: string, first: number, last: number): string[] =>
    Array.from({ length: last - first + 1 }, (_, at) => `${stem}${first + at}`);
  it.each([
    [[], ''],
    [['a'], 'a'],
    [['a', 'b'], 'a and b'],
    [['a', 'b', 'c', 'd'], 'a, b, c and d'],
    [numbered('g', 1, 50), 'g1 to g50 (50)'],
    [[...numbered('g', 9, 12), 'lan'], 'g9 to g12 and lan (5)'],
    [[...numbered('g', 1, 3), ...numbered('g', 7, 9)], 'g1 to g3 and g7 to g9 (6)'],
    [['web', 'db', 'mail', 'dns', 'ldap'], 'web, db, mail and 2 more'],
    [['g01', 'g02', 'g03', 'g04', 'g05'], 'g01 to g05 (5)'],
    [['g08', 'g09', 'g10', 'g11', 'g12'], 'g08, g09 and g10 to g12 (5)'],
  ] as const)('%j is told as %s', (names, text) => expect(setText(names)).toBe(text));

  it('may be joined by another word', () => expect(listText(['a', 'b', 'c'], 'or')).toBe('a, b or c'));
});

describe('steps', () => {
  it.each([
    [[0], 'step 1'],
    [[2, 3], 'steps 3 and 4'],
    [[0, 1, 2, 5], 'steps 1 to 3, 6'],
    [[0, 2, 4, 6, 8], '5 steps'],
  ])('%j are told as %s', (steps, text) => expect(stepsText(steps)).toBe(text));
});
