import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { auditIds, isCauseCode, weaknessMeaning } from '../../../src/core/bridge/weaknesses.js';
import { itemsOf } from '../../support/documents.js';

const text = readFileSync(resolve(import.meta.dirname, '../../../docs/audit.md'), 'utf8');

it('docs/audit.md has every finding that is no cause of a leak with what explain says of it', () => {
  const own = auditIds.filter((id) => !isCauseCode(id));
  expect(Object.fromEntries(itemsOf(text))).toEqual(Object.fromEntries(own.map((id) => [id, weaknessMeaning(id)])));
  expect(itemsOf(text)).toHaveLength(own.length);
});

it('docs/audit.md names those that the catalogue explains as causes', () => {
  const named = /Also causes of leaks, explained \[there\]\(catalogue\.md#causes\):([^]*?)\.\n/.exec(text)?.[1] ?? '';
  expect([...named.matchAll(/`([a-z-]+)`/g)].map(([, id]) => id)).toEqual(auditIds.filter(isCauseCode));
});
