import { describe, expect, it } from 'vitest';
import { audit } from '../../../../src/core/audit/audit.js';
import type { Snapshot } from '../../../../src/core/model/state.js';
import { withState } from '../../../support/snapshots/recorded.js';
import { withRouted } from '../../../support/snapshots/routed.js';

describe('an audit of guests that the host routes to', () => {
  it('names what carries their frames, once, whether there are bridges or not', () => {
    const routed = withRouted({});
    const expr = [{ dup: { addr: '10.1.0.2' } }];
    const copy = { rule: { family: 'ip', table: 't', chain: 'c', handle: 4, expr } };
    const packetSockets = [{ inode: '1', ifindex: 71, protocol: '0003', holders: [], own: false }];
    const programs = [{ device: 'cali1', place: 'tcx ingress', id: 7 }];
    const snapshot = (links: Snapshot['state']['links']): Snapshot => ({
      ...withState(routed, { links, nft: { nftables: [copy] }, programs }),
      packetSockets,
    });
    const { links } = routed.state;
    const found = (of: Snapshot['state']['links']): readonly string[] =>
      audit(snapshot(of))
        .findings.filter(({ id }) => ['nft-mirror', 'bypass-possible', 'sniffer-on-host'].includes(id))
        .map(
          ({ id, bridge, place, value, fix }) =>
            `${bridge ?? ''} ${id} ${place} ${id === 'nft-mirror' ? `${value} ${fix ?? ''}` : ''}`,
        )
        .map((line) => line.trim())
        .sort();
    const rule = 'nft-mirror ip t c dup to 10.1.0.2 nft delete rule ip t c handle 4';
    const alone = ['bypass-possible cali1 tcx ingress', 'sniffer-on-host packet socket on cali2'];
    expect(found(links.filter(({ name }) => name.startsWith('cali')))).toEqual(
      [...alone, 'bypass-possible nft ip t c', rule].sort(),
    );
    expect(found(links)).toEqual([...alone, 'br0 bypass-possible nft ip t c', `br0 ${rule}`].sort());
  });
});
