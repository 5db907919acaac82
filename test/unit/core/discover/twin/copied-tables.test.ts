import { describe, expect, it } from 'vitest';
import { isReadable, copiedTables } from '../../../../../src/core/discover/twin/copied-tables.js';
import { change, plain } from '../../../../support/discover/twin-fixture.js';

describe('tables that are copied', () => {
  const table = (family: string, name: string): object => ({ table: { family, name } });
  const chain = (family: string, of: string, dev?: unknown): object => ({
    chain: { family, table: of, name: 'c', dev },
  });
  const reported = (...nftables: readonly object[]): ReturnType<typeof copiedTables> =>
    copiedTables({ ...plain, nft: { nftables } }, new Set(['p0', 'p1']));
  it('are of netdev where all their devices are there, each chain of theirs counted', () => {
    expect(
      reported(
        table('netdev', 'x'),
        chain('netdev', 'x', 'p0'),
        chain('netdev', 'x', ['p1']),
        chain('netdev', 'y', 'p9'),
        chain('bridge', 'x', 'p9'),
      ).tables,
    ).toEqual([{ family: 'netdev', name: 'x' }]);
    expect(
      reported(table('netdev', 'x'), chain('netdev', 'x', 'p0'), chain('netdev', 'x', ['p9', 7, 'p1'])).missing,
    ).toEqual(['the nft table netdev x: it is on p9']);
    expect(reported(table('inet', 'x'), chain('inet', 'x', 'p0')).missing).toEqual([]);
    expect(reported(table('netdev', 'x'), chain('netdev', 'x')).missing).toEqual([
      'the nft table netdev x: it is on no device',
    ]);
  });
  it('of IP are named where they hold rules', () => {
    const rule = (family: string, of: string): object => ({ rule: { family, table: of } });
    expect(reported(table('ip', 'x')).missing).toEqual([]);
    expect(reported(table('ip', 'x'), rule('ip', 'y'), rule('inet', 'x')).missing).toEqual([]);
    expect(reported(table('ip', 'x'), rule('ip', 'x')).missing).toEqual([
      expect.stringContaining('the nft table ip x: it sees IP that the host routes'),
    ]);
    expect(reported({ table: { family: 'bridge' } }, { table: { name: 'x' } })).toEqual({ tables: [], missing: [] });
  });
  it.each([
    ['forward', 0, { 'net.bridge.bridge-nf-call-iptables': '1' }, true],
    ['forward', -1, { 'net.bridge.bridge-nf-call-arptables': '1' }, true],
    ['forward', -200, { 'net.bridge.bridge-nf-call-iptables': '1' }, false],
    ['forward', 1, { 'net.bridge.bridge-nf-call-iptables': '1' }, false],
    ['prerouting', 0, { 'net.bridge.bridge-nf-call-iptables': '1' }, false],
    ['forward', 0, { 'net.bridge.bridge-nf-call-iptables': '0' }, false],
  ])('at hook %s with priority %i and %j may be passed by: %j', (hook, prio, sysctl, isPassedBy) => {
    const held = { chain: { family: 'bridge', table: 'x', name: 'c', hook, prio } };
    const copied = copiedTables(
      { ...plain, sysctl: { ...plain.sysctl, ...sysctl }, nft: { nftables: [table('bridge', 'x'), held] } },
      new Set(),
    );
    expect(copied).toEqual({
      tables: [{ family: 'bridge', name: 'x' }],
      missing: isPassedBy ? [expect.stringContaining('the order of nft bridge x c and br_netfilter: ')] : [],
    });
  });
  it('of a bridge that hands frames over by itself may be passed by', () => {
    const held = { chain: { family: 'bridge', table: 'x', name: 'c', hook: 'forward', prio: 0 } };
    const handing = change(plain, 'br0', { bridge: { nf_call_ip6tables: 1 } });
    expect(copiedTables({ ...handing, nft: { nftables: [held] } }, new Set()).missing).toHaveLength(1);
    expect(copiedTables({ ...plain, nft: { nftables: [held] } }, new Set()).missing).toHaveLength(0);
  });
  it('are not read back where another program manages them', () => {
    for (const by of ['ip', 'ip6', 'eb', 'arp'])
      expect(isReadable(`# Warning: table bridge filter is managed by ${by}tables-nft`)).toBe(false);
    expect([
      isReadable('xt target "LOG"'),
      isReadable('xt match "x"'),
      isReadable('next match'),
      isReadable('xt other'),
    ]).toEqual([false, false, true, true]);
  });
});
