import { expect, it } from 'vitest';
import { hopsOf } from '../../../../src/core/bridge/hops.js';
import type { LinkState } from '../../../../src/core/model/state.js';
import { linkState, stateWith } from '../../../support/link-state.js';

const link = (name: string, more: Partial<LinkState>): LinkState => ({ ...linkState(name, 1), ...more });
const bridge = (name: string, ifindex: number): LinkState => link(name, { kind: 'bridge', ifindex });
const tap = (name: string, master: string): LinkState => link(name, { kind: 'tun', master });
const pair = (one: string, master: string, other: string, elsewhere: string): readonly LinkState[] => [
  link(one, { kind: 'veth', master, lower: other }),
  link(other, { kind: 'veth', master: elsewhere, lower: one }),
];
/** Guest `tap7` behind `mid`, which leads to `out1` of `outer`, where two further guests are. */
const links = [
  ...[bridge('outer', 3), bridge('mid', 9), tap('tap7', 'mid'), tap('tap8', 'outer'), tap('tap9', 'outer')],
  ...pair('in1', 'mid', 'out1', 'outer'),
];
const hops = (more: readonly LinkState[] = [], without = ''): readonly string[] =>
  [...hopsOf(stateWith([...links.filter(({ name }) => name !== without), ...more]))].map(
    ([port, { bridge: between, near }]) => `${near} ${between} ${port}`,
  );

it('joins one guest to a port of another bridge', () => expect(hops()).toEqual(['tap7 mid out1']));

it('is known where the other bridge is one of Open vSwitch', () => {
  const other = [link('sw', { kind: 'openvswitch' }), tap('tap9', 'sw'), ...pair('in1', 'mid', 'out1', 'sw')];
  expect([...hopsOf(stateWith([bridge('mid', 9), tap('tap7', 'mid'), ...other])).keys()]).toEqual(['out1']);
});

it.each([
  ['a further port', [tap('tap6', 'mid')]],
  ['a VLAN device on the bridge', [link('mid.5', { kind: 'vlan', lower: 'mid' })]],
  ['a macvlan on the guest’s port', [link('mv', { kind: 'macvlan', lower: 'tap7' })]],
])('is none with %s', (_, more) => expect(hops(more)).toEqual([]));

it('is none with an address of the host', () => {
  const addresses = ['10.5.0.1/24'];
  expect(hopsOf(stateWith(links), { mid: addresses }).size).toBe(0);
  expect(hopsOf(stateWith(links), { outer: addresses }).size).toBe(1);
});

it('is none where it leads to nobody, or holds no guest', () => {
  const alone = links.filter(({ name }) => !['tap8', 'tap9'].includes(name));
  expect([...hopsOf(stateWith(alone))]).toEqual([]);
  expect(hops([link('nic', { master: 'mid' })], 'tap7')).toEqual([]);
});

it('of two that lead to each other, the older is the network', () => {
  const two = (outer: number, mid: number): readonly string[] => [
    ...hopsOf(
      stateWith([
        ...[bridge('outer', outer), bridge('mid', mid), tap('tap7', 'mid'), tap('tap8', 'outer')],
        ...pair('in1', 'mid', 'out1', 'outer'),
      ]),
    ).keys(),
  ];
  expect([two(3, 9), two(9, 3)]).toEqual([['out1'], ['in1']]);
});
