import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { auditMeanings } from '../../../src/core/audit/meanings.js';

it('docs/audit.md has every finding with what explain says of it', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../../../docs/audit.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `([a-z-]+)` \| (.+) \|$/gm)].map(([, id = '', meaning = '']) => [id, meaning]);
  expect(rows).toEqual(Object.entries(auditMeanings));
});
