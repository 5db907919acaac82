import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { checkWhole } from '../../../../../src/cli/commands/evidence/check-whole.js';
import { reportForm } from '../../../../../src/core/model/run-record.js';
import { callHere } from '../../../../support/call-here.js';
import { scratchFolder } from '../../../../support/scratch.js';

const scratch = scratchFolder('report-file');
const page = '<p>another page</p>';

/** What `check` says of the page of a recorded run, whose record has this form. */
async function checkedPage(form: number | null) {
  const dir = join(scratch, String(form));
  cpSync(resolve(import.meta.dirname, '../../../../../captures/bridged-bridge'), dir, { recursive: true });
  writeFileSync(join(dir, 'report.html'), page);
  const record = join(dir, 'run.json');
  if (form !== null)
    writeFileSync(record, readFileSync(record, 'utf8').replace('"runVersion"', `"reportForm": ${form}, "runVersion"`));
  const { checks, wrong } = await checkWhole(dir, { signers: null, required: false });
  rmSync(dir, { recursive: true });
  return { report: checks.find(({ name }) => name === 'report'), wrong: wrong.map(({ name }) => name) };
}

it('compares no page that another version laid out, and the folder is whole', async () => {
  const { report, wrong } = await checkedPage(null);
  expect(report).toEqual({
    name: 'report',
    ok: null,
    text: 'report.html was laid out by another version: not compared; `report DIR --format html` makes it again',
  });
  expect(wrong).not.toContain('report');
  expect((await checkedPage(reportForm + 1)).report?.ok).toBeNull();
});

it('calls another page of the same form wrong', async () => {
  expect((await checkedPage(reportForm)).report).toMatchObject({
    ok: false,
    text: 'report.html is not what this run says',
  });
});

it('has another number where pages are laid out otherwise', async () => {
  const { stdout } = await callHere('report', 'captures/bridged-bridge', '--format', 'html');
  const now = { form: reportForm, sha256: createHash('sha256').update(stdout).digest('hex') };
  const path = resolve(import.meta.dirname, '../../../../contract/page.json');
  if (process.env['VERIFY_ISOLATION_RECORD'] === '1') writeFileSync(path, `${JSON.stringify(now, null, 1)}\n`);
  expect(now, 'raise reportForm, then: VERIFY_ISOLATION_RECORD=1 npm run test:unit -- write-report-file').toEqual(
    JSON.parse(readFileSync(path, 'utf8')),
  );
});
