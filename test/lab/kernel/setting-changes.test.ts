import { afterAll, beforeAll, expect, it } from 'vitest';
import { disturbed } from '../../support/lab/disturbed.js';
import { threeOn } from '../../support/lab/program.js';
import { patient } from '../../support/patient.js';
import { watchedBridge, type WatchedBridge } from '../../support/lab/watched-bridge.js';
import { describeOnKernelWith } from '../../support/lab/features.js';

describeOnKernelWith(['VLAN filtering'], 'VLANs that are changed and put back', () => {
  let bridge: WatchedBridge;
  const run = (line: string): string => bridge.run(...line.split(' '));
  beforeAll(() => {
    bridge = watchedBridge('vlan_filtering', '1');
    run('bridge link set dev v0 vlan_tunnel on');
    run('bridge vlan add dev v0 vid 20-30');
    bridge.heard();
  });
  afterAll(() => bridge.close());

  it.each([
    ['one that comes and goes', 'v0', 'bridge vlan add dev v0 vid 10', 'bridge vlan del dev v0 vid 10'],
    ['one that goes and comes', 'v0', 'bridge vlan del dev v0 vid 25', 'bridge vlan add dev v0 vid 25'],
    ['of the bridge itself', 'br0', 'bridge vlan add dev br0 vid 10 self', 'bridge vlan del dev br0 vid 10 self'],
    ['its PVID', 'v0', 'bridge vlan add dev v0 vid 1 untagged', 'bridge vlan add dev v0 vid 1 pvid untagged'],
    [
      'whether it leaves without a tag',
      'v0',
      'bridge vlan add dev v0 vid 22 untagged',
      'bridge vlan add dev v0 vid 22',
    ],
    [
      'its tunnel',
      'v0',
      'bridge vlan add dev v0 vid 23 tunnel_info id 230',
      'bridge vlan del dev v0 vid 23 tunnel_info id 230',
    ],
    ['the only one', 'br0', 'bridge vlan del dev br0 vid 1 self', 'bridge vlan add dev br0 vid 1 self pvid untagged'],
  ])('are told: %s; what was changed once is not', (_, link, away, back) => {
    for (const line of [away, back]) run(line);
    expect(bridge.heard()).toEqual([`${link}: the list of its VLANs`]);
    run(away);
    expect(bridge.heard()).toEqual([]);
    run(back);
    expect(bridge.heard()).toEqual([]);
  });

  // A provider bridge has another group address (recalculate_group_addr, net/bridge/br_vlan.c).
  it.each([
    { name: 'vlan_default_pvid', values: ['5', '1'], alike: [] },
    { name: 'vlan_protocol', values: ['802.1ad', '802.1Q'], alike: ['group_addr'] },
  ])('are told by the setting of the bridge that moves them: $name', ({ name, values, alike }) => {
    for (const value of values) run(`ip link set dev br0 type bridge ${name} ${value}`);
    expect(bridge.heard().toSorted()).toEqual([...alike, name].map((what) => `br0: ${what}`).toSorted());
  });

  it('are none where settings and states of ports change', () => {
    for (const value of ['off', 'on']) run(`bridge link set dev v0 learning ${value}`);
    for (const state of ['down', 'up']) run(`ip link set dev v1 ${state}`);
    expect(bridge.heard()).toEqual(['v0: learning', 'v1: carrier', 'v0: carrier']);
  });

  it(
    'make a run inconclusive',
    async () => {
      const file = threeOn(
        '{ vlan_filtering: on }',
        '  - { name: s, probe: [ { class: known-unicast, from: a, to: b, count: 200, rate: 200 } ], expect: private }',
      );
      const { status, result } = await disturbed({
        file,
        when: '"event":"probing"',
        act: ({ inside }) => {
          for (const act of ['add', 'del']) inside('bridge', 'vlan', act, 'dev', 'p2', 'vid', '10');
        },
      });
      expect([status, result.steps[0]?.reasons]).toEqual([
        3,
        [
          expect.objectContaining({
            code: 'settings-changed',
            observer: 'c',
            text: 'p2: the list of its VLANs changed and was put back',
          }),
        ],
      ]);
    },
    patient(300_000),
  );
});
