// @module-tag all
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { patient } from '../../support/patient.js';

const top = resolve(import.meta.dirname, '../../..');
/** What `doctor` says, the trace, and scenarios that take a newer kernel. */
const chosen = ['doctor', 'attacks/mac-spoof', 'hardening/locked-ports'];

interface Answer {
  readonly row: string;
  readonly cell: string;
}

/** Cells of a kernel in bench/KERNELS.md, by row. */
function cellsOf(kernel: string): ReadonlyMap<string, string> {
  const rows = readFileSync(join(top, 'bench/KERNELS.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.slice(2, -2).split(' | '));
  const column = rows[0]?.indexOf(kernel) ?? -1;
  return new Map(rows.map((cells) => [(cells[0] ?? '').replaceAll('`', ''), cells[column] ?? '']));
}

it('Debian 11’s kernel comes to the verdicts of the table of kernels, and doctor knows what it lacks', {
  timeout: patient(1_200_000),
}, (context) => {
  const words = ['--release', '11', '--program', join(top, 'scripts/kernels.mjs'), '--here', ...chosen];
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/test-cloud.mjs', ...words], {
    cwd: top,
    encoding: 'utf8',
  });
  if (status === 69) return context.skip(stderr);
  const answers = stdout
    .split('\n')
    .filter((line) => line.startsWith('{"row"'))
    .map((line): Answer => JSON.parse(line));
  const known = cellsOf('Debian 11');
  expect(answers.map(({ row, cell }) => [row, cell])).toEqual(answers.map(({ row }) => [row, known.get(row)]));
  const cells = new Map(answers.map(({ row, cell }) => [row, cell]));
  const rows = ['attacks/mac-spoof', 'hardening/locked-ports', 'doctor: locked', 'doctor: ipvlan'];
  expect(rows.map((row) => cells.get(row))).toEqual(['lacks', 'lacks', 'lacks', 'yes']);
});
