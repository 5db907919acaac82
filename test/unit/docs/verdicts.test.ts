import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { reasonHints } from '../../../src/core/model/reasons.js';
import { itemsOf } from '../../support/documents.js';

it('docs/verdicts.md has every reason with what it means: the first sentence of what explain says of it', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../../../docs/verdicts.md'), 'utf8');
  expect(itemsOf(text)).toEqual(
    Object.entries(reasonHints).map(([code, hint]) => [code, hint.replace(/(?<=\.) [^]*/, '')]),
  );
});
