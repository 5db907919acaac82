import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { Result, StepResult } from '../../../src/core/model/result.js';
import { documentText } from '../../../src/system/evidence/folder/folder.js';
import { replayFolder } from '../../../src/system/evidence/replay.js';
import { fresh, program, top } from '../../support/lab/program.js';
import { describeOnKernelWith } from '../../support/lab/features.js';

const scenarios = [
  'attacks/vlan-leak',
  'hardening/vlan-hop-filtered',
  'hardening/vlan-trunk',
  'hardening/locked-ports',
] as const;

/** The folder of one scenario among those of a run of several. */
function folderOf(out: string, name: string): string {
  const found = readdirSync(out).find((folder) => folder.startsWith(`${name}-2`));
  if (found === undefined) throw new Error(`no evidence of ${name} in ${out}`);
  return join(out, found);
}

describeOnKernelWith(['VLAN filtering'], 'a bridge that filters VLANs', () => {
  const results = new Map<string, Result>();
  let out = '';
  let outcome = { status: -1 as number | null, stderr: '' };
  beforeAll(async () => {
    out = fresh('vlans');
    const { status, stdout, stderr } = await program([
      'run',
      ...scenarios.map((name) => join(top, 'scenarios', `${name}.yml`)),
      '--json',
      '--quiet',
      '--out',
      out,
    ]);
    outcome = { status, stderr };
    const { results: reports } = JSON.parse(stdout) as { readonly results: readonly Result[] };
    for (const result of reports) results.set(result.scenario.name, result);
  });
  const steps = (name: string): readonly StepResult[] => results.get(name)?.steps ?? [];

  it('comes out as every scenario of it says', () => {
    const surprises = [...results.values()].flatMap(({ scenario, steps: stepResults }) =>
      stepResults
        .filter(({ asExpected }) => !asExpected)
        .map(({ name, verdict, reasons }) => ({ scenario: scenario.name, name, verdict, reasons })),
    );
    expect({ surprises, ...outcome }).toEqual({ surprises: [], status: 0, stderr: '' });
    expect(results.size).toBe(scenarios.length);
  });

  it('lets no way to hop through, proved by what enters beside it', () => {
    const [step] = steps('vlan-hop-filtered');
    expect(step).toMatchObject({ verdict: 'holds', entry: { seen: 0 }, reasons: [] });
    const hops = step?.findings.filter((row) => row.class === 'vlan-hop' && row.observer !== 'lan') ?? [];
    expect(new Set(hops.map(({ variant }) => variant))).toEqual(
      new Set(['tag', 'priority-tag', 'native-and-tag', '802.1ad', 'llc-snap', 'priority-tag-llc-snap']),
    );
    expect(hops.filter(({ seen }) => seen > 0)).toEqual([]);
    // What is not dropped leaves by the trunk, in alice's own VLAN.
    const priority = step?.findings.filter((row) => row.variant === 'priority-tag' && row.observer === 'lan') ?? [];
    expect(priority.map(({ seen, sent }) => seen === sent)).toEqual([true, true]);
  });

  it('names the port and the VLAN where two zones meet', () => {
    const [whole, stray, usual, wrong] = steps('vlan-leak').map(({ verdict, findings }) => ({
      verdict,
      causes: [
        ...new Set(
          findings
            .filter(({ leak }) => leak)
            .map(({ causes }) => `${causes[0]?.code} ${causes[0]?.place}: ${causes[0]?.fix}`),
        ),
      ],
    }));
    expect(whole).toEqual({ verdict: 'holds', causes: [] });
    expect(stray).toEqual({ verdict: 'broken', causes: ['vlan-shared tap2.vlan 10: bridge vlan del dev tap2 vid 10'] });
    expect(usual).toEqual({ verdict: 'broken', causes: ['vlan-shared tap1.vlan 1: bridge vlan del dev tap1 vid 1'] });
    expect(wrong).toEqual({ verdict: 'broken', causes: ['vlan-shared tap2.vlan 10: bridge vlan del dev tap2 vid 10'] });
  });

  it('sends tags to a trunk and none to a guest, and both are sightings of the probe', () => {
    expect(steps('vlan-trunk').map(({ verdict }) => verdict)).toEqual(['holds', 'broken']);
    const { status, stdout } = spawnSync(
      'tcpdump',
      [
        '-n',
        '-e',
        '-r',
        join(folderOf(out, 'vlan-trunk'), 'evidence.pcapng'),
        'ether src 52:54:00:00:00:0a and ether dst 52:54:00:00:00:99',
      ],
      { encoding: 'utf8' },
    );
    expect(status).toBe(0);
    const lines = stdout.split('\n').filter((line) => line.includes('52:54:00:00:00:0a > ')); // not those of dumps
    expect(lines.length).toBe(2 * 200);
    // Each frame once as alice's port took it, without a tag, and once as the router's gave it, with VLAN 10's.
    expect(lines.filter((line) => line.includes('802.1Q') && line.includes('vlan 10'))).toHaveLength(200);
  });

  it('is judged the same by a replay', async () => {
    const dir = folderOf(out, 'vlan-leak');
    // Not by a program of its own, whose start takes a second there.
    expect(documentText(await replayFolder(dir))).toBe(readFileSync(join(dir, 'result.json'), 'utf8'));
  });
});
