import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../src/model/result.js';
import { hasOvs } from '../fabric/throw-away-ovs.js';
import { describeOnKernelWith, lacking } from '../kernel/features.js';
import { patient } from '../patient.js';

const top = resolve(import.meta.dirname, '../..');

/** Both scenarios, as they are, on a datapath of Open vSwitch. */
function acts(datapath: 'netdev' | 'system'): void {
  let out = '';
  const results: Result[] = [];
  beforeAll(() => {
    out = mkdtempSync(join(tmpdir(), 'ovs-scenarios-'));
    const files = ['holds', 'broken'].map((name) => join(top, 'scenarios/ovs', `${name}.yml`));
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(top, 'dist/cli.cjs'), 'run', ...files, '--set', `datapath=${datapath}`, '--json', '--quiet', '--out', out], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    results.push(...JSON.parse(stdout).results);
  }, patient(120_000));
  afterAll(() => rmSync(out, { recursive: true, force: true }));

  it('is named with its package where it is not installed', () => {
    const { status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs none /usr/share/openvswitch && exec "$@"', 'sh', process.execPath, join(top, 'dist/cli.cjs'), 'run', join(top, 'scenarios/ovs/holds.yml'), '--out', join(out, 'none')], { encoding: 'utf8' });
    expect({ status, named: stderr.includes('openvswitch-switch') }).toEqual({ status: 69, named: true });
  });

  it('keeps known unicast to itself, with every proof', () => {
    expect(results[0]).toMatchObject({ verdict: 'holds', coverage: { complete: true, observed: 3, ports: 3 }, steps: [{ reasons: [], entry: { sent: 6, seen: 6 } }] });
  });

  it.each([
    [0, 'broken', ['ovs-flood-vlans']],
    [1, 'holds', []],
    [2, 'broken', ['ovs-flood-flow']],
    [3, 'broken', ['ovs-mirror']],
    [4, 'broken', ['ovs-protected', 'ovs-unknown-flood']],
    [5, 'holds', []],
    [6, 'holds', []],
    [7, 'broken', ['ovs-table-full', 'ovs-unknown-flood']],
    [8, 'holds', []],
  ] as const)('step %i is %s, because of %j', (index, verdict, codes) => {
    const step = results[1]?.steps[index];
    expect(step).toMatchObject({ verdict, reasons: [], asExpected: true });
    expect([...new Set(step?.findings.flatMap(({ causes }) => causes.map(({ code }) => code)))]).toEqual(codes);
  });

  it.each([[1, 'flood-off'], [5, 'ovs-protected'], [8, 'learned-entry']])('step %i holds by %s alone', (index, code) => {
    expect(results[1]?.steps[index]?.held?.map(({ alone, barriers }) => [alone, barriers.map((barrier) => barrier.code)])).toEqual([[true, [code]]]);
  });
}

if (process.getuid?.() === 0 && hasOvs) {
  describe('Open vSwitch in user space, started by the lab', () => acts('netdev'));
  it.skipIf(lacking("Open vSwitch's datapath") === null)('names the datapath where the kernel lacks it', () => {
    const out = mkdtempSync(join(tmpdir(), 'ovs-lacking-'));
    const { status, stderr } = spawnSync(process.execPath, [join(top, 'dist/cli.cjs'), 'run', join(top, 'scenarios/ovs/holds.yml'), '--set', 'datapath=system', '--quiet', '--out', out], { encoding: 'utf8' });
    rmSync(out, { recursive: true, force: true });
    expect([status, stderr]).toEqual([69, expect.stringContaining('br0: datapath system: ')]);
  });
  describeOnKernelWith(["Open vSwitch's datapath"], 'Open vSwitch with the datapath of the kernel, started by the lab', () => acts('system'));
} else {
  it.skip('Open vSwitch, which is not installed here or takes root', () => undefined);
}
