import { describe, expect, it } from 'vitest';
import type { WholeFound } from '../../../../../src/core/discover/whole/compose.js';
import type { GuestRecord, Inventory } from '../../../../../src/core/model/host-config.js';
import type { ProbeClassName } from '../../../../../src/core/model/scenario.js';
import { composed } from '../../../../support/discover/composed.js';
import { learnedAt, stateWith, upLink } from '../../../../support/link-state.js';

const macOf = (n: number): string => `52:54:00:00:00:0${n}`;

/** Probes of one class on a bridge with guests v1, v2, …; `inventory`: what managers report of them. */
function probesOf(guests: number, name: ProbeClassName, inventory: Inventory = { guests: [], unread: [] }) {
  const numbers = Array.from({ length: guests }, (_, at) => at + 1);
  const state = stateWith(
    [
      upLink('br0', { kind: 'bridge', bridge: {} }),
      ...numbers.map((n) => upLink(`v${n}`, { master: 'br0', kind: 'veth', port: { isolated: false, flood: true } })),
    ],
    { fdb: numbers.map((n) => learnedAt(macOf(n), `v${n}`, { master: 'br0', state: 'dynamic' })) },
  );
  const steps: WholeFound['scenario']['steps'] = composed({ state, inventory }, { classes: [name] }).whole.scenario
    .steps;
  return steps.flatMap((step) => ('probe' in step && Array.isArray(step.probe) ? step.probe : []));
}

describe('what guests of one bridge are compared by', () => {
  it('takes no question of ARP for a leak, for its own address is no secret', () => {
    const asked = probesOf(3, 'arp-request');
    expect(asked).toEqual([expect.objectContaining({ may_see: ['v1', 'v2', 'v3'] })]);
    expect(asked[0]).not.toHaveProperty('open_by_design');
  });

  it('compares no port that serves guests of a manager with theirs', () => {
    const record = (n: number, manager: GuestRecord['manager']): GuestRecord => ({
      manager,
      name: `v${n}`,
      port: `v${n}`,
      mac: macOf(n),
      ips: [],
      zone: null,
    });
    const askedOf = (...guests: readonly GuestRecord[]) => probesOf(4, 'broadcast', { guests, unread: [] });
    const [first, second, third] = [1, 2, 3].map((n) => record(n, 'qemu'));
    const guests = [first, second, third].flatMap((guest) => guest ?? []);
    expect(askedOf(...guests, record(4, 'namespace'))).toMatchObject([
      { from: ['v1', 'v2', 'v3'], may_see: ['v4'], open_by_design: ['v1', 'v2', 'v3'] },
      { from: ['v4'], may_see: ['v4'], open_by_design: ['v1', 'v2', 'v3'] },
    ]);
    // half of them is not most, and a port of which no manager knows serves nobody
    expect(askedOf(record(1, 'qemu'), record(2, 'qemu'), record(4, 'namespace'))[0]).toMatchObject({ may_see: [] });
    expect(askedOf(...guests)[0]).toMatchObject({ from: ['v1', 'v2', 'v3', 'v4'], may_see: [] });
  });
});
