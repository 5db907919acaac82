import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { reasonHints } from '../../../src/core/model/reasons.js';
import { resultOf } from '../../support/recorded-runs.js';
import { changed, reasonCases } from '../../captures/reason-cases.mjs';
import { readFolder } from '../../captures/reason-folders.mjs';

const captures = resolve(import.meta.dirname, '../../../captures');
const base = readFolder(join(captures, 'reasons-base'));

describe('a stored case of each reason', () => {
  it('is there for every code of the closed list', () => {
    expect(Object.keys(reasonCases).sort()).toEqual(Object.keys(reasonHints).sort());
  });

  it('is made of a run that holds', async () => {
    const result = await resultOf('reasons-base');
    expect(result).toMatchObject({ verdict: 'holds', exitCode: 0 });
    expect(result.steps.flatMap(({ reasons }) => reasons)).toEqual([]);
  });

  it.each(Object.entries(reasonCases))(
    '%s: is told, with what to do about it, and is never a holds',
    async (code, reasonCase) => {
      const dir = join(captures, `reason-${code}`);
      expect(isDeepStrictEqual(readFolder(dir), changed(base, reasonCase)), 'npm run captures -- reasons-base').toBe(
        true,
      );
      expect(readFileSync(join(dir, 'README.md'), 'utf8')).toContain(reasonCase.why);
      const result = await resultOf(`reason-${code}`);
      const reported = new Set(result.steps.flatMap(({ reasons }) => reasons.map((reason) => reason.code)));
      expect([...reported].sort()).toEqual([code, ...(reasonCase.also ?? [])].sort());
      if (code !== 'claim-unmatched') expect(result.verdict).not.toBe('holds');
      expect(result.exitCode).toBe(reasonCase.status ?? 3);
    },
  );
});
