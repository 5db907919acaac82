import { describe, expect, it } from 'vitest';
import { lastBarriers } from '../../../../../../src/core/judge/explain/barriers.js';
import { filtersInState } from '../../../../../../src/core/judge/rows/filters-in-state.js';
import type { RowContext } from '../../../../../../src/core/bridge/row-context.js';
import { b, host, of, row } from '../../../../../support/judge/row-fixture.js';

const routed = of('routed-bounce', { carrier: 'ipv4-udp' });

describe('filters', () => {
  const rule = (family: string, table: string): object => ({ rule: { family, table, chain: 'c', expr: [] } });
  const nft = {
    nftables: [
      { metainfo: {} },
      { table: { family: 'inet', name: 'empty' } },
      rule('bridge', 'guard'),
      rule('bridge', 'guard'),
      rule('netdev', 'mark'),
      rule('ip', 'filter'),
      rule('inet', 'fw'),
    ],
  };
  const tc = { filters: { 'vnet0 ingress': [{ kind: 'matchall' }], 'vnet1 ingress': [] } };
  const state = (sysctl: Readonly<Record<string, string>>) => host({ nft, tc, sysctl });

  it('are tables with rules and devices with filters, each once; those of IP act on bridged packets where they are handed over', () => {
    const link = ['nft bridge guard', 'nft netdev mark', 'tc on vnet0 ingress'];
    expect(filtersInState(state({}))).toEqual({ link, ip: { routed: ['nft ip filter', 'nft inet fw'], bridged: [] } });
    for (const name of ['net.bridge.bridge-nf-call-iptables', 'net.bridge.bridge-nf-call-ip6tables']) {
      expect(filtersInState(state({ [name]: '1' })).ip.bridged).toEqual([
        'nft ip filter by br_netfilter',
        'nft inet fw by br_netfilter',
      ]);
      expect(filtersInState(state({ [name]: '0' })).ip.bridged).toEqual([]);
    }
    expect(filtersInState(host())).toEqual({ link: [], ip: { routed: [], bridged: [] } });
  });

  it('are none of the rules by which the run hands its own probes into ports', () => {
    const own = {
      filters: { 'vi0a1b2c3d-0 ingress': [{ kind: 'matchall' }], 'vif-0 ingress': [{ kind: 'matchall' }] },
    };
    expect(filtersInState(host({ tc: own })).link).toEqual(['tc on vif-0 ingress']);
  });

  it('are tables that drop whatever no rule accepts, though they have no rule', () => {
    const chain = (table: string, policy?: string): object => ({
      chain: { family: 'bridge', table, name: 'c', ...(policy === undefined ? {} : { type: 'filter', policy }) },
    });
    const ruleless = host({ nft: { nftables: [chain('closed', 'drop'), chain('open', 'accept'), chain('called')] } });
    expect(filtersInState(ruleless).link).toEqual(['nft bridge closed']);
  });

  it('that can have acted are told: of the link for any frame, of IP for packets, all of IP for what the host routes', () => {
    const find = (
      finding: RowContext['finding'],
      sysctl: Readonly<Record<string, string>> = { 'net.bridge.bridge-nf-call-iptables': '1' },
    ): string | null => lastBarriers.filter.find(row({ finding, before: state(sysctl) }));
    expect(find(of('known-unicast', { carrier: 'raw' }))).toBe(
      'nft bridge guard, nft netdev mark, tc on vnet0 ingress',
    );
    expect(find(of('known-unicast', { carrier: 'ipv4-udp' }))).toBe(
      'nft bridge guard, nft netdev mark, tc on vnet0 ingress, nft ip filter by br_netfilter, nft inet fw by br_netfilter',
    );
    expect(find(routed, {})).toBe('nft ip filter, nft inet fw');
    expect(lastBarriers.filter.find(row({ finding: routed }))).toBeNull();
    expect(lastBarriers.filter.find(row({ to: b }))).toBeNull();
  });
});
