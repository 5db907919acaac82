import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { patient } from '../../support/patient.js';

const { VITEST: _vitest, VERIFY_ISOLATION_USAGE: _usage, ...env } = process.env;

it('the tests of a folder end with the status of vitest, and with their times', { timeout: patient(60_000) }, () => {
  const words = ['scripts/test-project.mjs', 'unit', 'test/unit/core/text/counted.test.ts'];
  const { status, stdout } = spawnSync(process.execPath, words, { encoding: 'utf8', env });
  expect(status, stdout).toBe(0);
  expect(stdout).toMatch(/\bunit: 1 file\n/);
});
