import { describe, expect, it } from 'vitest';
import { tunnelBypasses } from '../../../../../src/core/bridge/bypass/segment.js';
import type { Plan } from '../../../../../src/core/model/plan.js';
import type { FdbState } from '../../../../../src/core/model/state.js';
import { linkState, stateWith } from '../../../../support/link-state.js';
import { perfectRun } from '../../../../support/judge/perfect-run.js';
import { there } from '../../../../support/there.js';

const { endpoints } = perfectRun().plan;
const lan = there(endpoints.find(({ role }) => role === 'uplink'));
const tunnel = { ...lan, port: 'vx0', tunnel: { vni: null, to: [] } };
const hosts: NonNullable<Plan['hosts']> = [{ name: 'hv2', ssh: 'hv2', command: [] }];

function entry(port: string, dst: string, mac = '00:00:00:00:00:00'): FdbState {
  return { mac, port, master: null, vlan: null, state: 'permanent', flags: ['self'], dst, usedS: null, updatedS: null };
}
const links = [
  { ...linkState('vx0', 1), kind: 'vxlan', vteps: ['10.8.0.1'] },
  { ...linkState('hv2/vx0', 1), kind: 'vxlan', vteps: ['10.8.0.2', 'fd00::2'] },
];
const found = (...fdb: readonly FdbState[]) =>
  tunnelBypasses({ endpoints: [tunnel], hosts }, { ...stateWith(links), fdb }).map(
    ({ what, where }) => `${where}: ${what}`,
  );

describe('tunnels of a run over several hosts', () => {
  it('may send to its hosts alone', () =>
    expect(found(entry('vx0', '10.8.0.2'), entry('vx0', 'fd00::2', '02:00:00:00:00:09'))).toEqual([]));

  it('are a way past the observers where an entry sends to any other address, each once', () =>
    expect(
      found(entry('vx0', '10.7.0.3', '02:00:00:00:00:09'), entry('vx0', '10.7.0.3'), entry('vx0', '239.1.1.1')),
    ).toEqual(['vx0: VXLAN destination 10.7.0.3', 'vx0: VXLAN destination 239.1.1.1']));

  it('are answered for where they send to a group, whose entry is the network itself', () => {
    const fdb = [entry('vx0', '239.1.1.1')];
    const [bypass] = tunnelBypasses({ endpoints: [tunnel], hosts }, { ...stateWith(links), fdb });
    expect(bypass?.remedy).toMatch(/^hosts that have joined this group get its frames/);
    expect(bypass?.remedy).not.toContain('bridge fdb del');
  });

  it('count where the plan has them', () => {
    expect(found(entry('vx9', '10.7.0.3'))).toEqual([]);
    expect(tunnelBypasses({ endpoints: [tunnel] }, { ...stateWith(links), fdb: [entry('vx0', '10.7.0.3')] })).toEqual(
      [],
    );
  });
});
