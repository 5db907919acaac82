import { describe, expect, it } from 'vitest';
import { stateAlone, bridgeViews } from '../../../../../src/core/bridge/view.js';
import { tcMirror } from '../../../../../src/core/bridge/weaknesses/mirrors.js';
import type { RuleFinding } from '../../../../../src/core/bridge/weakness.js';
import { stateWith, upLink } from '../../../../support/link-state.js';

const copy = { kind: 'mirred', mirred_action: 'mirror', direction: 'egress', to_dev: 'ids0' };
const drop = { kind: 'gact', control_action: { type: 'drop' } };

const { finding } = tcMirror;
const rule = 'onBridge' in finding ? finding.onBridge : (): readonly RuleFinding[] => [];

/** What the audit would have done about filters on a port, as `tc -j filter show` prints them. */
function fixesOf(...filters: readonly object[]): readonly unknown[] {
  return fixesAt({ ingress: filters });
}

/** As above, by the place that the filters were read from. */
function fixesAt(places: Readonly<Record<string, readonly object[]>>): readonly unknown[] {
  const port = { port: {}, master: 'br0', promiscuity: 1 };
  const state = stateWith([upLink('br0', { kind: 'bridge', bridge: {}, promiscuity: 0 }), upLink('vnet0', port)], {
    tc: {
      filters: Object.fromEntries(Object.entries(places).map(([place, listed]) => [`vnet0 ${place}`, listed])),
    },
  });
  const found = bridgeViews(stateAlone(state)).flatMap((view) => rule(view, stateAlone(state)));
  return found.map(({ fix }) => {
    const argvs = (fix?.changes ?? []).flatMap((change) => (change.kind === 'run' ? [change.argv.join(' ')] : []));
    return argvs.length === 0 ? fix?.also : argvs;
  });
}

describe('a filter of tc that copies frames', () => {
  it('goes alone: those that drop forged frames at the same hook stay', () =>
    expect(
      fixesOf(
        { protocol: 'all', pref: 1, kind: 'flower', chain: 0, options: { handle: 1, actions: [drop] } },
        { protocol: 'all', pref: 1, kind: 'flower', chain: 0, options: { handle: 2, actions: [copy] } },
        { protocol: 'ip', pref: 5, kind: 'u32', chain: 3, options: { fh: '800::800', actions: [copy] } },
        { protocol: 'all', pref: 49152, kind: 'matchall', chain: 0, options: { actions: [copy] } },
      ),
    ).toEqual([
      ['tc filter del dev vnet0 ingress protocol all pref 1 handle 0x2 flower'],
      ['tc filter del dev vnet0 ingress chain 3 protocol ip pref 5 handle 800::800 u32'],
      ['tc filter del dev vnet0 ingress protocol all pref 49152'],
    ]));
  const u32 = { protocol: 'all', pref: 9, kind: 'u32', chain: 0, options: { fh: '800::800', actions: [copy] } };
  it('of a shared block goes by the block: the kernel refuses one of its devices', () =>
    expect(fixesOf({ ...u32, block: 7 })).toEqual([['tc filter del block 7 protocol all pref 9 handle 800::800 u32']]));
  it('of a discipline goes by that: root and a bare handle are no place of a filter', () =>
    expect(
      fixesAt({
        root: [{ ...u32, parent: '8001:' }],
        '20:': [u32],
        // the kernel lists the root's there once more
        '8001:10': [u32, { ...u32, pref: 10 }],
      }),
    ).toEqual([
      ['tc filter del dev vnet0 parent 8001: protocol all pref 9 handle 800::800 u32'],
      ['tc filter del dev vnet0 parent 20: protocol all pref 9 handle 800::800 u32'],
      ['tc filter del dev vnet0 parent 8001:10 protocol all pref 10 handle 800::800 u32'],
    ]));
  it('is looked up by the reader where nothing says which it is', () =>
    expect(fixesOf({ kind: 'matchall', options: { actions: [copy] } })).toEqual([
      'tc filter show dev vnet0 ingress names the filter; delete it by its pref and handle',
    ]));
});
