import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { candidate, drawShare } from '../../../scripts/draw-share.mjs';
import { filesOfLevel } from '../../support/levels.js';

const top = resolve(import.meta.dirname, '../../..');
const [, table = ''] = readFileSync(join(top, 'scripts/draw-share.mjs'), 'utf8').split('const minutesOf = ');
const named = [...table.matchAll(/^ {2}'([^']+)': /gm)].map(([, name = '']) => name);
const files = ['unit', 'lab', 'system'].flatMap((project) => filesOfLevel(top, project, 'all'));
const candidates = [...new Set([...files, ...named])].map(candidate);
const minutes = (names: readonly string[]): number => names.reduce((sum, name) => sum + candidate(name).minutes, 0);
const draws = Array.from({ length: 400 }, (_, seed) => drawShare(candidates, String(seed), 7));

describe('the share of test:all', () => {
  it('is the same for a seed, in whatever order the files come', () => {
    expect(drawShare([...candidates].reverse(), '7', 7)).toEqual(draws[7]);
    expect(drawShare(candidates, '8', 7)).not.toEqual(draws[7]);
  });

  it('takes no longer than its budget, uses it, and draws nothing twice', () => {
    for (const draw of draws) {
      expect(minutes(draw)).toBeLessThanOrEqual(7.0001);
      expect(minutes(draw)).toBeGreaterThan(6);
      expect(new Set(draw).size).toBe(draw.length);
    }
    expect(drawShare(candidates, '7', 0)).toEqual([]);
  });

  it('is each file and each run for some seed', () => {
    const drawn = new Set(draws.flat());
    expect(candidates.filter(({ name }) => !drawn.has(name))).toEqual([]);
  });

  it('has minutes of files that there are', () => {
    expect(named.filter((name) => name.startsWith('test/') && !files.includes(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(5);
  });
});
