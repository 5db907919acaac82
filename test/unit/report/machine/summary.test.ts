import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runSummary } from '../../../../src/report/machine/summary.js';
import { recordedRuns, resultOf } from '../../../support/recorded-runs.js';
import { jsonText } from '../../../../src/core/text/json-text.js';

interface Planned {
  readonly endpoints: readonly { readonly name: string; readonly port: string | null }[];
}

it.each(recordedRuns)('names no guest and no address, and has 4 KB at most: %s', async (name) => {
  const text = jsonText({ ...runSummary(await resultOf(name)), scenario: '' });
  const plan: Planned = JSON.parse(readFileSync(join('captures', name, 'plan.json'), 'utf8'));
  const names = plan.endpoints.flatMap(({ name: guest, port }) => [guest, port ?? guest]);
  expect(names.length).toBeGreaterThan(1);
  expect(names.filter((guest) => text.split(/[^\w.-]+/).includes(guest))).toEqual([]);
  expect(text).not.toMatch(/([0-9a-f]{2}:){5}|\d+\.\d+\.\d+\.\d+/);
  expect(text.length).toBeLessThan(4096);
});

it('has word, counts and causes', async () => {
  expect(runSummary(await resultOf('hub-mode'))).toMatchObject({
    verdict: 'broken',
    answer: 'REPRODUCED: 2 expected leaks reproduced',
    observed: 3,
    ports: 3,
  });
});
