import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const text = readFileSync('SECURITY.md', 'utf8');
const sections = text.split(/^### /m).slice(1);
const testsIn = (part: string): readonly string[] =>
  [...part.matchAll(/`(test\/[^`]+)`/g)].map(([, path]) => path ?? '');

describe('SECURITY.md', () => {
  it('names tests that are there', () => {
    expect(testsIn(text).length).toBeGreaterThan(15);
    expect(testsIn(text).filter((path) => !existsSync(path) || !/\.(test|soak)\.ts$/.test(path))).toEqual([]);
  });

  it('has a test for every promise', () => {
    const numbered = sections.filter((part) => /^\d+\. /.test(part));
    expect(numbered.map((part) => Number.parseInt(part, 10))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(numbered.filter((part) => testsIn(part.slice(part.indexOf('Held by'))).length === 0)).toEqual([]);
  });

  it('says of each kind of person what they can do and what not', () => {
    for (const who of [
      'guest',
      'tenant with API access',
      'local user',
      'author of a scenario',
      'far host',
      'holder of a folder',
    ])
      expect(text).toMatch(new RegExp(`^\\| ${who}[^|]*\\| [^|]+ \\| [^|]+ \\|$`, 'm'));
  });

  it('says how to report a fault', () => expect(text).toMatch(/^## How to report a fault$/m));
});
