import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { describeOnKernelWith } from '../../support/lab/features.js';
import { patient } from '../../support/patient.js';
import { outcomeOf } from '../../support/lab/throw-away-host.js';
import { throwAwayOvs, type ThrowAwayOvs } from '../../support/lab/throw-away-ovs.js';

describeOnKernelWith(["Open vSwitch's datapath"], 'a run on a host whose Open vSwitch forwards in the kernel', () => {
  let host: ThrowAwayOvs;
  beforeAll(async () => {
    host = await throwAwayOvs('system');
    host.talk();
  }, patient(300_000));
  afterAll(() => host?.close());

  it('holds, hears every port, sees what a setting opens, and puts it back', {
    timeout: patient(300_000),
  }, async () => {
    const probe = 'probe: { class: known-unicast, from: kali2, to: lan, carriers: [raw], count: 50 }, expect: private';
    const steps = `  - { name: as it is, ${probe} }\n  - { name: floods, set: { br0: { flood_vlans: 0 }, spare: { flood: off } }, ${probe} }\n`;
    const file = host.scenario('kernel', steps, 'allow_changes: true\n', { bridge: '{ kind: ovs, datapath: system }' });
    const { status, stdout, stderr } = await outcomeOf(
      host.cli(['run', file, '--yes', '--allow-changes', '--json', '--out', join(host.dir, 'out')]),
    );
    expect([status, stderr]).toEqual([2, expect.stringContaining('left behind on br0: nothing (checked)')]);
    const {
      steps: [first, second],
      coverage,
    }: Result = JSON.parse(stdout);
    expect([first?.verdict, first?.reasons, coverage.observed]).toEqual(['holds', [], 4]);
    expect(
      second?.findings
        .filter(({ leak }) => leak)
        .map(({ observer, seen, causes }) => `${observer} ${seen} ${causes[0]?.code}`),
    ).toEqual(['kali3 50 ovs-flood-vlans']);
    expect(host.run(['ovs-vsctl', 'get', 'Bridge', 'br0', 'flood_vlans']).trim()).toBe('[]');
    expect(host.run(['ovs-ofctl', 'show', 'br0'])).not.toContain('NO_FLOOD');
  });
});
