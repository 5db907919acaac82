import { describe, expect, it } from 'vitest';
import {
  addressesInRules,
  addressesInRuleText,
  hasHiddenMacs,
} from '../../../../src/core/discover/recorded-addresses.js';
import type { FdbState } from '../../../../src/core/model/state.js';

const entry = (port: string, mac: string, state = 'dynamic'): FdbState => ({
  mac,
  port,
  master: 'lan0',
  vlan: null,
  state,
  flags: [],
  usedS: null,
  updatedS: null,
});
const fdb = [
  entry('tap-mail', '02:11:00:00:00:01'),
  entry('tap-mail', '02:aa:00:00:00:01', 'permanent'),
  entry('tap-shop', '02:11:00:00:00:02'),
  entry('trunk', '02:11:00:00:00:03'),
  entry('trunk', '02:11:00:00:00:04'),
];

type Expression = Readonly<Record<string, unknown>>;
const match = (left: Expression, right: unknown, op = '=='): Expression => ({ match: { op, left, right } });
const source = (protocol: string, right: unknown, op = '=='): Expression =>
  match({ payload: { protocol, field: 'saddr' } }, right, op);
const from = (port: string): Expression => match({ meta: { key: 'iifname' } }, port);
const accept = { accept: null };
const jump = (target: string): Expression => ({ jump: { target } });
const rule = (chain: string, ...expr: readonly Expression[]): Expression => ({
  rule: { family: 'bridge', table: 'guard', chain, expr },
});
const found = (...rules: readonly Expression[]) => addressesInRules({ nft: { nftables: rules }, fdb });

describe('the address of a guest', () => {
  const [mail, shop] = [
    { mac: '02:11:00:00:00:01', address: '10.4.0.1' },
    { mac: '02:11:00:00:00:02', address: '10.4.0.2' },
  ];

  it('stands in a rule with its MAC', () =>
    expect(found(rule('in', source('ether', '02:11:00:00:00:09'), source('ip', '10.4.0.9'), accept))).toEqual([
      { mac: '02:11:00:00:00:09', address: '10.4.0.9' },
    ]));

  it('stands in a rule for its port, which has one MAC', () =>
    expect(found(rule('in', from('tap-mail'), source('ip', '10.4.0.1'), accept))).toEqual([mail]));

  it('stands in a chain to which its port alone leads, by whatever ways', () =>
    expect(
      found(
        rule('in', from('tap-mail'), jump('mail')),
        rule('in', from('tap-shop'), jump('shop')),
        rule('mail', jump('mail-ip')),
        rule('mail-ip', source('ip', '10.4.0.1'), { return: null }),
        rule('shop', source('ip', '10.4.0.2'), accept),
        rule('shop', jump('shop')),
      ),
    ).toEqual([mail, shop]));

  it('may be one of several, and of IPv6', () =>
    expect(found(rule('in', from('tap-mail'), source('ip6', { set: ['fd00::1', 'fd00::2'] }), accept))).toEqual([
      { mac: mail?.mac, address: 'fd00::1' },
      { mac: mail?.mac, address: 'fd00::2' },
    ]));

  it.each([
    ['a rule that drops it', rule('in', from('tap-mail'), source('ip', '10.4.0.1'), { drop: null })],
    ['a rule for all but it', rule('in', from('tap-mail'), source('ip', '10.4.0.1', '!='), accept)],
    [
      'a rule for a prefix',
      rule('in', from('tap-mail'), source('ip', { prefix: { addr: '10.4.0.0', len: 24 } }), accept),
    ],
    ['a rule for no address', rule('in', from('tap-mail'), source('ip', '0.0.0.0'), accept)],
    ['a rule for every port', rule('in', source('ip', '10.4.0.1'), accept)],
    ['a rule for a port with several MACs', rule('in', from('trunk'), source('ip', '10.4.0.1'), accept)],
    [
      'a rule about destinations',
      rule('in', from('tap-mail'), match({ payload: { protocol: 'ip', field: 'daddr' } }, '10.4.0.1'), accept),
    ],
  ])('is not known from %s', (_, one) => expect(found(one)).toEqual([]));

  it('is not known from a chain to which two ports lead', () =>
    expect(
      found(
        rule('in', from('tap-mail'), jump('both')),
        rule('in', from('tap-shop'), jump('both')),
        rule('both', source('ip', '10.4.0.1'), accept),
      ),
    ).toEqual([]));

  it('is printed by nft where iptables compares the MAC, which JSON only names', () => {
    const hidden = rule('s', source('ip', '10.4.0.1'), { xt: { type: 'match', name: 'mac' } }, { return: null });
    expect([found(hidden), hasHiddenMacs({ nft: { nftables: [hidden] } })]).toEqual([[], true]);
    expect(hasHiddenMacs({ nft: { nftables: [rule('s', accept)] } })).toBe(false);
    const text = [
      'table ip filter {',
      '\tchain s {',
      '\t\tip saddr 10.4.0.1 ether saddr 02:11:00:00:00:01 counter packets 39 bytes 3276 return',
      '\t\tether saddr 02:11:00:00:00:02 ip saddr 10.4.0.2 accept',
      '\t\tip saddr 10.4.0.3 ether saddr 02:11:00:00:00:03 drop',
      '\t\tip saddr 10.4.0.0/24 ether saddr 02:11:00:00:00:04 accept',
      '\t\tip saddr 10.4.0.5 accept',
    ].join('\n');
    expect(addressesInRuleText(text)).toEqual([mail, shop]);
  });
});
