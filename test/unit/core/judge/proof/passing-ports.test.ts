import { describe, expect, it } from 'vitest';
import { passingPorts } from '../../../../../src/core/judge/proof/coverage.js';
import { lostEvents, type SettingChange } from '../../../../../src/core/model/timeline.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { step } from '../../../../support/judge/unchanged-fixture.js';

const reported = (...changes: readonly SettingChange[]): readonly string[] =>
  passingPorts(step, { before: hostState(), after: hostState() }, changes).map(({ code, text }) => `${code}: ${text}`);

describe('ports that come and go between two snapshots', () => {
  const joined: SettingChange = { ifindex: 77, what: 'master', name: 'vx', masters: [1] };
  it('are told by name', () => {
    expect(reported(joined)).toEqual(['settings-changed: vx joined br0 while probes were under way, and left it']);
  });

  it.each([
    { ...joined, masters: [99] },
    { ...joined, ifindex: 2, name: 'p0' },
    { ...joined, masters: [] },
    { ifindex: 77, what: 'MTU' },
    { ifindex: null, what: 'net.ipv4.ip_forward' },
  ])('are not told of other bridges, of ports that a snapshot has, and of other settings: case %#', (changes) =>
    expect(reported(changes)).toEqual([]),
  );

  it('are not known where events were lost', () => {
    expect(reported({ ifindex: null, what: lostEvents })).toEqual([
      'state-unread: the kernel reported more changes than it could keep. Rules that came and went meanwhile are not known',
    ]);
  });
});
