import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { auditMeanings } from '../../../src/core/audit/meanings.js';
import { itemsOf } from '../../support/documents.js';

it('docs/audit.md has every finding with what explain says of it', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../../../docs/audit.md'), 'utf8');
  expect(itemsOf(text)).toEqual(Object.entries(auditMeanings));
});
