// @module-tag all
import { describe, expect, it } from 'vitest';
import type { Finding, Result } from '../../../src/core/model/result.js';
import { patient } from '../../support/patient.js';
import { outcomeOf } from '../../support/lab/throw-away-host.js';
import { ovs, runOn, sharedOvs } from '../../support/lab/throw-away-ovs.js';
import { needs, root } from '../../support/needs.js';

const probe = 'probe: { class: known-unicast, from: kali2, to: lan, carriers: [raw], count: 50 }, expect: private';

describe('what a run finds of Open vSwitch on a host', needs(root, ovs), () => {
  const host = sharedOvs();

  const leaks = (result: Result): readonly Finding[] => result.steps[0]?.findings.filter(({ leak }) => leak) ?? [];

  it('are ports that are no interfaces: nothing holds with them, until the file says why', {
    timeout: patient(300_000),
  }, async () => {
    host.run(`ovs-vsctl
      -- add-br br1 -- set Bridge br1 datapath_type=netdev
      -- add-port br0 patch0 -- set Interface patch0 type=patch options:peer=patch1
      -- add-port br1 patch1 -- set Interface patch1 type=patch options:peer=patch0`);
    try {
      const why = 'patch0: a patch port, which leads to another bridge: no packet socket hears what leaves there';
      const init = await outcomeOf(host.cli(['init', '--bridge', 'br0']));
      expect([init.stdout, init.stderr]).toEqual([
        expect.stringContaining(
          `# left out: ${why}, so that nothing holds unless the file says \`scope: { partial: … }\`\n`,
        ),
        '',
      ]);
      const step = `  - { name: as it is, ${probe} }\n`;
      expect((await outcomeOf(host.cli(['plan', host.scenario('patched', step)]))).stdout).toContain(
        `Not observed: ${why}.`,
      );
      const whole = await runOn(host, host.scenario('patched', step));
      expect([whole.status, whole.result().steps[0]?.reasons.map(({ code, text }) => `${code}: ${text}`)]).toEqual([
        3,
        ['coverage-partial: not observed: patch0'],
      ]);
      expect(whole.result().coverage).toMatchObject({ complete: false, ports: 5, observed: 4 });
      const partial = await runOn(
        host,
        host.scenario('partly', step, 'scope: { partial: beyond the patch another run listens }\n'),
      );
      expect([partial.status, partial.result().verdict]).toEqual([0, 'holds']);
    } finally {
      host.run('ovs-vsctl del-br br1 -- del-port br0 patch0');
    }
  });

  it('is all that a bridge tells that speaks no OpenFlow 1.0; what that alone can set is refused', {
    tags: 'all',
    timeout: patient(300_000),
  }, async () => {
    host.run('ovs-vsctl set Bridge br0 protocols=OpenFlow13,OpenFlow15');
    try {
      const before = host.run('ovs-vsctl list Port');
      const floods = await runOn(
        host,
        host.scenario(
          'later',
          `  - { name: floods, set: { br0: { flood_vlans: 0 } }, ${probe} }\n`,
          'allow_changes: true\n',
        ),
        '--allow-changes',
      );
      expect([floods.status, floods.stderr]).toEqual([
        2,
        expect.stringContaining('left behind on br0: nothing (checked)'),
      ]);
      expect(leaks(floods.result()).map(({ observer, causes }) => `${observer} ${causes[0]?.code}`)).toContain(
        'kali3 ovs-flood-vlans',
      );
      const refused = await runOn(
        host,
        host.scenario(
          'later-flood',
          `  - { name: kept from a port, set: { vnet4: { flood: off } }, ${probe} }\n`,
          'allow_changes: true\n',
        ),
        '--allow-changes',
      );
      expect(refused.result().steps[0]?.reasons.map(({ code, text }) => `${code}: ${text}`)).toEqual([
        expect.stringMatching(
          /^unsupported: br0 does not speak OpenFlow 1.0.* OpenFlow15\] \(ovs-vsctl add Bridge br0 protocols OpenFlow10\)$/,
        ),
      ]);
      expect(host.run('ovs-vsctl list Port')).toBe(before);
    } finally {
      host.run('ovs-vsctl clear Bridge br0 protocols');
    }
  });
});
