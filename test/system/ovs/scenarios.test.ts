import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { answerVariant, type Result, type StepResult } from '../../../src/core/model/result.js';
import { ovs } from '../../support/lab/throw-away-ovs.js';
import { describeOnKernelWith, lacking } from '../../support/lab/features.js';
import { isSlow, patient } from '../../support/patient.js';
import { needs, root } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

const top = resolve(import.meta.dirname, '../../..');
/** `npm run test:uml -- --all` */
const allOfIt = process.env['VERIFY_ISOLATION_ALL'] === '1';

const run = (...args: readonly string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [join(top, 'dist/cli.cjs'), 'run', ...args], { encoding: 'utf8' });
const fileOf = (name: string): string => join(top, 'scenarios/ovs', `${name}.yml`);

/**
 * What holds and the first two acts of what breaks it, in one lab: as much as a datapath decides of them, for a kernel
 * that is slow.
 */
function shortened(folder: string): string {
  const [holds, broken] = ['holds', 'broken'].map((name): { steps: unknown[]; topology: Record<string, unknown> } =>
    parse(readFileSync(fileOf(name), 'utf8')),
  );
  const { generate: _left, ...topology } = broken?.topology ?? {};
  const file = join(folder, 'shortened.yml');
  writeFileSync(
    file,
    stringify({ ...broken, topology, steps: [...(holds?.steps ?? []), ...(broken?.steps.slice(0, 2) ?? [])] }),
  );
  return file;
}

/**
 * The steps of both scenarios on a datapath of Open vSwitch: of what holds, then of what breaks it, as they are or
 * shortened.
 */
function acts(datapath: 'netdev' | 'system', whole: boolean): void {
  let out = '';
  const results: Result[] = [];
  const steps: StepResult[] = [];
  beforeAll(() => {
    out = mkdtempSync(join(tmpdir(), 'ovs-scenarios-'));
    const { status, stdout, stderr } = run(
      ...(whole ? ['holds', 'broken'].map(fileOf) : [shortened(out)]),
      '--set',
      `datapath=${datapath}`,
      '--json',
      '--quiet',
      '--out',
      join(out, 'evidence'),
    );
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' }); // an inconclusive run says why there
    const said: { readonly results: readonly Result[] } | Result = JSON.parse(stdout);
    results.push(...('results' in said ? said.results : [said]));
    steps.push(...results.flatMap((result) => result.steps));
  }, patient(300_000));

  it('keeps known unicast to itself, with every proof', () => {
    const ports = whole ? 3 : 4;
    expect(results[0]).toMatchObject({ coverage: { complete: true, observed: ports, ports } });
    expect(steps[0]).toMatchObject({ verdict: 'holds', reasons: [], entry: { sent: 6, seen: 6 } });
  });

  const breaking: readonly (readonly [index: number, verdict: string, codes: readonly string[]])[] = [
    [0, 'broken', ['ovs-protected', 'ovs-unknown-flood']],
    [1, 'holds', []],
    [2, 'broken', ['ovs-flood-vlans']],
    [3, 'holds', []],
    [4, 'broken', ['ovs-flood-flow']],
    [5, 'broken', ['ovs-mirror']],
    [6, 'holds', []],
    [7, 'broken', ['ovs-table-full', 'ovs-unknown-flood']],
    [8, 'holds', []],
  ];
  it.each(whole ? breaking : breaking.slice(0, 2))('step %i is %s, because of %j', (index, verdict, codes) => {
    const step = steps[1 + index];
    expect(step).toMatchObject({ verdict, reasons: [], asExpected: true });
    // Some of what is answered may be flooded too
    const probed = step?.findings.filter(({ variant }) => variant !== answerVariant) ?? [];
    expect([...new Set(probed.flatMap(({ causes }) => causes.map(({ code }) => code)))]).toEqual(codes);
  });

  const alone: readonly (readonly [index: number, code: string])[] = [
    [1, 'ovs-protected'],
    [3, 'flood-off'],
    [8, 'learned-entry'],
  ];
  it.each(whole ? alone : alone.slice(0, 1))('step %i holds by %s alone', (index, code) => {
    expect(
      steps[1 + index]?.held?.map(({ alone: only, barriers }) => [only, barriers.map((barrier) => barrier.code)]),
    ).toEqual([[true, [code]]]);
  });
}

describe('Open vSwitch in user space, started by the lab', needs(root, ovs), () => acts('netdev', true));
it('is named with its package where it is not installed', needs(root, ovs), () => {
  const out = scratchFolder('ovs-none');
  const { status, stderr } = spawnSync(
    'unshare',
    [
      '--mount',
      'sh',
      '-c',
      'mount -t tmpfs none /usr/share/openvswitch && exec "$@"',
      'sh',
      process.execPath,
      join(top, 'dist/cli.cjs'),
      'run',
      fileOf('holds'),
      '--out',
      join(out, 'evidence'),
    ],
    { encoding: 'utf8' },
  );
  rmSync(out, { recursive: true, force: true });
  expect({ status, named: stderr.includes('openvswitch-switch') }).toEqual({ status: 69, named: true });
});
const inKernel = lacking("Open vSwitch's datapath") === null;
it(
  'names the datapath where the kernel lacks it',
  needs(root, ovs, inKernel ? "this kernel has Open vSwitch's datapath" : null),
  () => {
    const out = mkdtempSync(join(tmpdir(), 'ovs-lacking-'));
    const { status, stderr } = run(fileOf('holds'), '--set', 'datapath=system', '--quiet', '--out', out);
    rmSync(out, { recursive: true, force: true });
    expect([status, stderr]).toEqual([69, expect.stringContaining('br0: datapath system: ')]);
  },
);
describeOnKernelWith(
  ["Open vSwitch's datapath"],
  'Open vSwitch with the datapath of the kernel, started by the lab',
  () => acts('system', allOfIt || (inKernel && !isSlow)),
  root,
  ovs,
);
