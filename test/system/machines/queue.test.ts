// @module-tag all
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { readRun } from '../../../scripts/test-sum.mjs';
import { scratchFolder } from '../../support/scratch.js';
import { patient } from '../../support/patient.js';

const top = resolve(import.meta.dirname, '../../..');
const scratch = scratchFolder('queue');

it('a host with a queue to a program is sent no witness that comes to it, under Debian 13’s kernel', {
  timeout: patient(1_200_000),
}, (context) => {
  const report = join(scratch, 'report.json');
  const words = ['test/lab/rules/witnesses.test.ts', '-t', 'a queue to a program'];
  const { status, stderr } = spawnSync(
    process.execPath,
    ['scripts/test-cloud.mjs', ...words, '--reporter=json', `--outputFile.json=${report}`],
    { cwd: top, encoding: 'utf8' },
  );
  if (status === 69) return context.skip(stderr);
  const { tests, failures } = readRun('', JSON.parse(readFileSync(report, 'utf8')), { cwd: top, end: status ?? 1 });
  expect(failures).toEqual([]);
  expect(tests.flatMap((test) => (test.name.includes('a queue to a program') ? [test.status] : []))).toEqual([
    'passed',
  ]);
});
