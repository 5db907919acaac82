import { describe, expect, it } from 'vitest';
import type { Drift } from '../../../../src/core/model/audit.js';
import { driftLines } from '../../../../src/report/terminal/drift.js';

const changed = (place: string, before: string, after: string): Drift => ({
  code: 'setting-changed',
  severity: 'high',
  bridge: 'br0',
  place,
  before,
  after,
  text: 'it changed',
});
const lines = (...drifts: readonly Drift[]): readonly string[] =>
  driftLines(drifts, new Date(0)).map((line) => line.replace('1970-01-01T00:00:00.000Z ', ''));

describe('what changed, in a line', () => {
  it.each([
    [changed('br0.ageing_time', '30000', '0'), 'HIGH   br0 is a hub now: ageing_time 300 s → 0 (setting-changed)'],
    [changed('br0.ageing_time', '0', '30000'), 'HIGH   setting-changed: br0.ageing_time: 0 → 300 s (it changed)'],
    [changed('g1.isolated', 'true', 'false'), 'HIGH   g1 is no longer isolated: isolated on → off (setting-changed)'],
    [
      changed('br0.vlan_filtering', '1', '0'),
      'HIGH   br0 ignores VLAN tags now: vlan_filtering on → off (setting-changed)',
    ],
    [changed('br0.forward_delay', '1500', '200'), 'HIGH   setting-changed: br0.forward_delay: 15 s → 2 s (it changed)'],
    [
      { ...changed('br0', 'promiscuity 0', 'promiscuity 1'), code: 'bridge-promiscuous' as const },
      'HIGH   br0 is promiscuous now: promiscuity 0 → promiscuity 1 (bridge-promiscuous)',
    ],
  ])('%j: %s', (drift, line) => expect(lines(drift)).toEqual([line]));

  it('is one for all ports that changed alike, and another for those that did not', () => {
    const many = Array.from({ length: 50 }, (_, at) => changed(`g${at + 1}.isolated`, 'true', 'false'));
    expect(lines(...many, changed('g1.flood', 'false', 'true'))).toEqual([
      'HIGH   g1 to g50 (50) are no longer isolated: isolated on → off (setting-changed)',
      'HIGH   g1 receives frames to MACs that the bridge does not know now: flood off → on (setting-changed)',
    ]);
  });

  it('has no control characters of a name', () =>
    expect(lines(changed('g\u001b[2J.cost', '1', '2'))[0]).not.toContain('\u001b'));
});
