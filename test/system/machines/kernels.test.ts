// @module-tag all
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { patient } from '../../support/patient.js';

const top = resolve(import.meta.dirname, '../../..');

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

/** The trace of each of these kernels convicts and acquits; a program of tcx takes Linux 6.6. */
const traced = {
  'trace: copy beside the bridge': 'BROKEN',
  'trace: process that reads': 'BROKEN',
  'trace: barrier': 'HOLDS',
  'trace: program that passes on': 'lacks',
};

it.for([
  {
    release: 11,
    chosen: ['doctor', 'trace', 'attacks/mac-spoof', 'hardening/locked-ports'],
    essential: {
      ...traced,
      'trace of probes': 'yes',
      'doctor: locked': 'lacks',
      'doctor: ipvlan': 'yes',
      'attacks/mac-spoof': 'lacks',
      'hardening/locked-ports': 'lacks',
    },
  },
  { release: 12, chosen: ['trace'], essential: traced },
  { release: 13, chosen: ['trace'], essential: { ...traced, 'trace: program that passes on': 'HOLDS' } },
])(
  'Debian $release’s kernel comes to the verdicts of the table of kernels',
  {
    timeout: patient(1_200_000),
  },
  ({ release, chosen, essential }, context) => {
    const words = ['--release', String(release), '--program', join(top, 'scripts/kernels.mjs'), '--here', ...chosen];
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/test-cloud.mjs', ...words], {
      cwd: top,
      encoding: 'utf8',
    });
    if (status === 69) return context.skip(stderr);
    const answers = stdout
      .split('\n')
      .filter((line) => line.startsWith('{"row"'))
      .map((line): Answer => JSON.parse(line));
    const known = cellsOf(`Debian ${release}`);
    expect(answers.map(({ row, cell }) => [row, cell])).toEqual(answers.map(({ row }) => [row, known.get(row)]));
    const cells = new Map(answers.map(({ row, cell }) => [row, cell]));
    expect(Object.fromEntries(Object.keys(essential).map((row) => [row, cells.get(row)]))).toEqual(essential);
  },
);
