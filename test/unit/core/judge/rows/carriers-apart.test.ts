import { describe, expect, it } from 'vitest';
import { carriersApart } from '../../../../../src/core/judge/rows/carriers-apart.js';
import type { Finding } from '../../../../../src/core/model/result.js';
import { host, zero } from '../../../../support/judge/row-fixture.js';

const states = { before: host(), after: host() };
const holds = (carrier: string, over: Partial<Finding> = {}): Finding => ({
  ...zero,
  carrier,
  sent: 20,
  seen: 0,
  leak: false,
  ...over,
});
const leaks = (carrier: string, over: Partial<Finding> = {}): Finding => ({
  ...holds(carrier),
  seen: 5,
  leak: true,
  ...over,
});
const pairs = (...rows: readonly Finding[]) => carriersApart(rows, states);

describe('carriers of a class', () => {
  it('that come to different ends are told, with all observers of which it is the same', () => {
    expect(
      pairs(leaks('raw'), holds('ipv4-udp'), leaks('raw', { observer: 'lan' }), holds('ipv4-udp', { observer: 'lan' })),
    ).toEqual([
      {
        class: 'known-unicast',
        from: 'a',
        to: 'b',
        broken: ['raw'],
        holds: ['ipv4-udp'],
        observers: ['c', 'lan'],
        text: 'raw broken, ipv4-udp holds: a filter hides that the bridge hands the frames over (no filter stands in the state that was read)',
      },
    ]);
  });
  it('are told apart by observer where they differ', () => {
    expect(
      pairs(
        leaks('raw'),
        holds('ipv4-udp'),
        holds('raw', { observer: 'lan' }),
        leaks('ipv4-udp', { observer: 'lan' }),
      ).map(({ observers, broken, text }) => ({ observers, broken, text })),
    ).toEqual([
      { observers: ['c'], broken: ['raw'], text: expect.stringContaining('a filter hides') },
      {
        observers: ['lan'],
        broken: ['ipv4-udp'],
        text: expect.stringContaining('ipv4-udp broken, raw holds: a filter stops one carrier and passes the other'),
      },
    ]);
  });
  it('are all named', () => {
    expect(pairs(leaks('ipv4-udp'), leaks('ipv6-udp'), holds('arp'), holds('raw'))[0]?.text).toContain(
      'ipv4-udp and ipv6-udp broken, arp and raw holds:',
    );
  });
  it('come with the filters that may have hidden it', () => {
    const rule = (family: string, table: string): object => ({ rule: { family, table } });
    const before = host({
      nft: { nftables: [rule('bridge', 'guard'), rule('ip', 'filter')] },
      sysctl: { 'net.bridge.bridge-nf-call-iptables': '1' },
    });
    expect(carriersApart([leaks('raw'), holds('ipv4-udp')], { before, after: before })[0]?.text).toMatch(
      /\(nft bridge guard, nft ip filter by br_netfilter\)$/,
    );
    expect(carriersApart([leaks('raw'), holds('ipv4-udp')], { before: null, after: null })[0]?.text).toMatch(
      /\(no filter stands in the state that was read\)$/,
    );
  });
  it.each<[string, readonly Finding[]]>([
    ['all leak', [leaks('raw'), leaks('ipv4-udp')]],
    ['all hold', [holds('raw'), holds('ipv4-udp')]],
    ['one stands alone', [leaks('raw')]],
    ['the one that holds was not sent', [leaks('raw'), holds('ipv4-udp', { sent: 0 })]],
    ['nobody knows whether it was', [leaks('raw'), holds('ipv4-udp', { sent: null })]],
    ['the other may be seen', [leaks('raw'), holds('ipv4-udp', { allowed: 'may' })]],
    ['it is a group of rows', [leaks('raw'), holds('ipv4-udp', { grouped: 4 })]],
    ['it is traffic', [leaks('raw'), holds('native')]],
    ['it is a variant', [leaks('raw'), holds('ipv4-udp', { variant: 'root' })]],
    ['it is another probe', [leaks('raw'), holds('ipv4-udp', { probe: 1 })]],
    ['it is another class', [leaks('raw'), holds('ipv4-udp', { class: 'broadcast' })]],
    ['it is another VLAN', [leaks('raw'), holds('ipv4-udp', { vlan: [10] })]],
    ['it is another sender', [leaks('raw'), holds('ipv4-udp', { from: 'lan' })]],
    ['it is another addressee', [leaks('raw'), holds('ipv4-udp', { to: null })]],
    ['it is another observer', [leaks('raw'), holds('ipv4-udp', { observer: 'lan' })]],
  ])('are not told apart where %s', (_, rows) => expect(carriersApart(rows, states)).toEqual([]));
});
