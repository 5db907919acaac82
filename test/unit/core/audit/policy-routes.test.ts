import { describe, expect, it } from 'vitest';
import { audit } from '../../../../src/core/audit/audit.js';
import { withState } from '../../../support/snapshots/recorded.js';
import { withRouted } from '../../../support/snapshots/routed.js';

/** What an audit says of a rule that looks up that table, which leads to wg0 what is for the first guest. */
const found = (table: string, selectors: object = {}): readonly string[] => {
  const rules = [{ priority: 100, src: 'all', table, ...selectors }];
  const routing = {
    ipv4: { rules, routes: [{ dst: '10.1.0.1', dev: 'wg0', table }] },
    ipv6: { rules: [], routes: [] },
  };
  return audit(withState(withRouted({}, 'forward'), { routing }))
    .findings.filter(({ id }) => id === 'policy-route')
    .map(({ place, value }) => `${place} ${value}`);
};

describe('an audit', () => {
  it('tells of rules of policy routing that take packets for a guest, all or some', () => {
    expect(found('7', { dst: '10.1.0.1' })).toEqual(['ip rule 100 from all to 10.1.0.1 lookup 7']);
    expect(found('7', { fwmark: '0x1' })).toEqual(['ip rule 100 from all fwmark 0x1 lookup 7']);
  });

  it('says nothing of the first of several routes in the tables that everything is looked up in', () =>
    expect(found('main')).toEqual([]));
});
