import { describe, expect, it } from 'vitest';
import { audit, isWithoutGuests } from '../../../../src/core/audit/audit.js';
import type { Snapshot } from '../../../../src/core/model/state.js';
import { defaultBridge, withState } from '../../../support/snapshots/recorded.js';

const ports = ['br-int', 'tap1', 'tap2'].map((name) => ({ name }));
const withSwitch = (count: number): Snapshot => ({
  ...withState(defaultBridge, { links: [] }),
  ovs: { bridges: [{ name: 'br-int' }], ports: ports.slice(0, count), mirrors: [] },
});

describe('an audit of Open vSwitch alone', () => {
  it('examines its bridge, and finds guests there where it has more than its own port', () => {
    const snapshot = withSwitch(3);
    const report = audit(snapshot);
    expect(report.bridges).toEqual(['br-int']);
    expect(isWithoutGuests(snapshot, { ...report, findings: [] })).toBe(false);
    expect(isWithoutGuests(withSwitch(1), { ...report, findings: [] })).toBe(true);
  });

  it('is asked for by its name', () => {
    expect(audit(withSwitch(3), { bridge: 'br-int' }).bridges).toEqual(['br-int']);
    expect(audit(withSwitch(3), { bridge: 'br0' }).bridges).toEqual([]);
  });
});
