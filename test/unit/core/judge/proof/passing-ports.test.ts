import { describe, expect, it } from 'vitest';
import { passingPorts } from '../../../../../src/core/judge/proof/bypass.js';
import { lostEvents, type SettingChange } from '../../../../../src/core/model/timeline.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { step } from '../../../../support/judge/unchanged-fixture.js';

const told = (...changes: readonly SettingChange[]): readonly string[] =>
  passingPorts(step, { before: hostState(), after: hostState() }, changes).map(({ code, text }) => `${code}: ${text}`);

describe('ports that come and go between two readings', () => {
  const joined: SettingChange = { ifindex: 77, what: 'master', name: 'vx', masters: [1] };
  it('are told by name', () => {
    expect(told(joined)).toEqual(['settings-changed: vx joined br0 while probes were under way, and left it']);
  });

  it('are not told of other bridges, of ports that a reading has, and of other settings', () => {
    expect(told({ ...joined, masters: [99] })).toEqual([]);
    expect(told({ ...joined, ifindex: 2, name: 'p0' })).toEqual([]);
    expect(told({ ...joined, masters: [] })).toEqual([]);
    expect(told({ ifindex: 77, what: 'MTU' })).toEqual([]);
    expect(told({ ifindex: null, what: 'net.ipv4.ip_forward' })).toEqual([]);
  });

  it('are not known where events were lost', () => {
    expect(told({ ifindex: null, what: lostEvents })).toEqual([
      'state-unread: the kernel told more of links than it could keep: what came and went meanwhile is not known',
    ]);
  });
});
