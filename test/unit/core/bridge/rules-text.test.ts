import { describe, expect, it } from 'vitest';
import { ruleDrift } from '../../../../src/core/audit/drift-parts.js';
import { routingDifferences } from '../../../../src/core/bridge/routing.js';
import { reloadedRulesText } from '../../../../src/core/bridge/rules-text.js';
import { stateAlone } from '../../../../src/core/bridge/view.js';
import { changedRules } from '../../../../src/core/judge/proof/changed-rules.js';
import { wholeInterval } from '../../../../src/core/judge/proof/intervals.js';
import type { HostState } from '../../../../src/core/model/state.js';
import { stateDifferences } from '../../../../src/report/state-differences.js';
import { stateWith } from '../../../support/link-state.js';

const snapshot = (state: HostState) => ({ ...stateAlone(state), packetSockets: [] });

/** What compares rules of a host: whether it finds them changed. */
const comparisons: Readonly<Record<string, (from: HostState, to: HostState) => boolean>> = {
  judge: (from, to) => changedRules([{ ...wholeInterval({ before: from, after: to }), from, to }], []).length > 0,
  report: (from, to) => stateDifferences(from, to).length > 0,
  'comparison of two runs': (from, to) => stateDifferences(from, to, reloadedRulesText).length > 0,
  watch: (from, to) => ruleDrift(snapshot(from), snapshot(to)).length > 0,
  routes: (from, to) => routingDifferences(from, to, new Set(['v0'])).length > 0,
};

/** A host whose rules of every kind have this among their fields. */
const withField = (field: Readonly<Record<string, unknown>>): HostState =>
  stateWith([], {
    nft: { nftables: [{ rule: { expr: [{ counter: field }] } }] },
    tc: { filters: { 'v0 ingress': [{ options: field }] } },
    routing: {
      ipv4: { rules: [], routes: [{ dst: '10.0.0.2', dev: 'v0', ...field }] },
      ipv6: { rules: [], routes: [] },
    },
  });
const changedIn = (key: string, first: unknown, second: unknown): readonly string[] =>
  Object.keys(comparisons).filter((name) =>
    comparisons[name]?.(withField({ [key]: first }), withField({ [key]: second })),
  );

describe('rules as text', () => {
  it.each([
    ['packets', 1, 2],
    ['bytes', 60, 120],
    ['used', 3, 4],
    ['last', null, { used: 5 }],
    ['expires', 20, 19],
    ['stats', { packets: 1 }, { packets: 2 }],
    ['installed', 7, 8],
    ['last_used', 7, 8],
    ['refcnt', 2, 3],
    ['ref', 1, 2],
    ['bind', 1, 2],
    ['direct_packets_stat', 4, 48],
  ])('no comparison of rules reports the counter %s', (key, first, second) => {
    expect(changedIn(key, first, second)).toEqual([]);
  });

  it('every comparison reports anything else', () => {
    expect(changedIn('pref', 1, 2)).toEqual(Object.keys(comparisons));
  });

  it('rules that were loaded again are a change within a run, and none between runs or days', () => {
    expect(changedIn('handle', 1, 2)).toEqual(['judge', 'report', 'routes']);
  });
});
