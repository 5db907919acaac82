import { expect, it } from 'vitest';
import { jsonReport } from '../../../../src/report/machine/json.js';
import { experiment } from '../../../support/report/fixture.js';

it('prints the result of one run as it is, and of several under results', () => {
  const view = { width: 80, color: false };
  const run = { result: experiment, dir: null, details: null };
  expect(JSON.parse(jsonReport([run], view))).toEqual(experiment);
  expect(JSON.parse(jsonReport([run, run], view))).toEqual({ results: [experiment, experiment] });
});
