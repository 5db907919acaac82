import { describe, expect, it } from 'vitest';
import { diversionsOf } from '../../../../src/core/bridge/diversions.js';
import { bridgeViews } from '../../../../src/core/bridge/view.js';
import { defaultBridge, withState } from '../../../support/snapshots/recorded.js';

/** What may stop frames on the bridge where these filters stand at a place of tc. */
function filterWith(place: string, filters: readonly object[]): string | null {
  const snapshot = withState(defaultBridge, { nft: null, tc: { qdisc: [], filters: { [place]: filters } } });
  const view = bridgeViews(snapshot).find(({ name }) => name === 'br0');
  if (view === undefined) throw new Error('the snapshot has no br0');
  return diversionsOf(view, snapshot).filter;
}

const classify = { protocol: 'all', kind: 'u32', options: { flowid: '1:10' } };
const drop = { options: { actions: [{ kind: 'gact', control_action: { type: 'drop' } }] } };
const mirror = { options: { actions: [{ kind: 'mirred', mirred_action: 'mirror', to_dev: 'x' }] } };

describe('what may stop frames of a bridge', () => {
  it('is a filter of tc that drops, or puts frames into classes', () => {
    expect([filterWith('vnet0 ingress', [drop]), filterWith('vnet0 root', [classify])]).toEqual([
      'filters of tc may stop it',
      'filters of tc may stop it',
    ]);
  });

  it('is no copy, and no queueing discipline that has no filter', () => {
    expect([filterWith('vnet0 ingress', [mirror]), filterWith('vnet0 root', [])]).toEqual([null, null]);
  });
});
