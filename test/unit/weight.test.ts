import { describe, expect, it } from 'vitest';
import { lower, measure, readCeilings, textWeightOf, tokensOf, tooHeavy, tooHigh } from '../../scripts/weight.mjs';

const { measures } = measure();

describe('the weight of the project', () => {
  it('is under its ceilings', () => expect(tooHeavy(readCeilings(), measures)).toEqual([]));

  it('has ceilings that fall with it', () => expect(tooHigh(readCeilings(), measures)).toEqual([]));
});

describe('weighing', () => {
  it('counts what TypeScript parses, without comments', () => {
    expect(tokensOf('/** Says it. */\nconst a = 1; // here')).toBe(tokensOf('const a = 1;'));
    expect(tokensOf('const a = [1, 2];')).toBe(tokensOf('const a = [1];') + 2);
  });

  it('counts the words of long text, in code and beside it', () => {
    const words = Array.from({ length: 1000 }, (_, at) => `word${at}`).join(' ');
    expect(tokensOf(`const a = \`${words}\`;`)).toBe(tokensOf('const a = 1;') + 999);
    expect([textWeightOf(words), textWeightOf('{ "a": 1 }')]).toEqual([1000, 0]);
  });

  it('says by how much a ceiling is passed, and lowers, never raises', () => {
    expect(tooHeavy({ a: 1000, b: 5 }, { a: 1001, b: 5 })).toEqual(['a: 1001, 1 above the ceiling 1000']);
    expect(tooHigh({ a: 1010, b: 1011 }, { a: 1000, b: 1000 })).toEqual([
      'b: 1000, ceiling 1011: node scripts/weight.mjs --lower',
    ]);
    expect(lower({ a: 10, b: 10 }, { a: 9, b: 11 })).toEqual({ a: 9, b: 10 });
  });

  it('fails where a measure has no ceiling', () => expect(tooHeavy({}, { a: 1 })).toHaveLength(1));
});
