import { describe, expect, it } from 'vitest';
import { audit } from '../../../../src/core/audit/audit.js';
import { defaultBridge, withState } from '../../../support/snapshots/recorded.js';
import { addLinks } from '../../../support/link-state.js';

/** A VLAN device on the bridge. */
const above = addLinks('br0', { ifindex: 77, name: 'br0.7', kind: 'vlan', lower: 'br0', bridge: null });

function found(device: string, options: object = {}): readonly string[] {
  const actions = [{ kind: 'mirred', mirred_action: 'mirror', direction: 'egress', to_dev: 'vnet1' }];
  const tc = { filters: { [`${device} ingress`]: [{ kind: 'u32', options: { actions, ...options } }] } };
  return audit(withState(defaultBridge, { tc }, above))
    .findings.filter(({ id }) => ['tc-mirror', 'bypass-possible'].includes(id))
    .map(({ id, value, place }) => `${id}: ${value} at ${place}`);
}

describe('a copy to a port, as the audit reports it', () => {
  it('is a mirror at the bridge and at its ports, once', () => {
    expect(found('vnet0')).toEqual(['tc-mirror: mirred egress mirror to vnet1 at vnet0 ingress']);
    expect(found('br0')).toEqual(['tc-mirror: mirred egress mirror to vnet1 at br0 ingress']);
  });

  it('is what may carry frames past the ears where it stands above them', () => {
    expect(found('br0.7')).toEqual(['bypass-possible: tc action mirred to vnet1 at tc br0.7 ingress']);
  });

  it('is both where a network card carries it out', () => {
    expect(found('vnet0', { in_hw: true })).toEqual([
      'tc-mirror: mirred egress mirror to vnet1 at vnet0 ingress',
      'bypass-possible: tc filter u32 in hardware at tc vnet0 ingress',
    ]);
  });
});
