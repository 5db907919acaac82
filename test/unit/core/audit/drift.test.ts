import { describe, expect, it } from 'vitest';
import { driftOf } from '../../../../src/core/audit/drift.js';
import { withLastRead } from '../../../../src/core/audit/drift-parts.js';
import { stateAlone } from '../../../../src/core/bridge/view.js';
import type { Drift } from '../../../../src/core/model/audit.js';
import type { HostState, PacketSocket, Snapshot } from '../../../../src/core/model/state.js';
import { stateWith, upLink } from '../../../support/link-state.js';

const links = [
  upLink('br0', { kind: 'bridge', ifindex: 1, bridge: {} }),
  upLink('v0', { master: 'br0', ifindex: 2, port: {} }),
  upLink('v1', { master: 'br0', ifindex: 3, port: {} }),
];
const mirrorTo = (device: string): unknown => ({
  filters: {
    'v0 ingress': [
      { options: { actions: [{ kind: 'mirred', direction: 'egress', mirred_action: 'mirror', to_dev: device }] } },
    ],
  },
});
const program = { device: 'v0', place: 'tcx ingress', id: 7 };
const handler = { type: 'ALL', device: 'v0', function: 'spy_receive [spy]' };
const sniffer: PacketSocket = {
  inode: '1',
  ifindex: 0,
  protocol: '0003',
  holders: [{ pid: 812, name: 'tcpdump' }],
  own: false,
};
const entry: HostState['fdb'][number] = {
  mac: '52:54:00:00:00:01',
  port: 'v0',
  master: 'br0',
  vlan: null,
  state: 'static',
  flags: [],
  usedS: null,
  updatedS: null,
};

/** A moment at which everything was read. */
function seen(more: Partial<HostState> = {}, packetSockets: Snapshot['packetSockets'] = []): Snapshot {
  const state = stateWith(links, { tc: { filters: {} }, nft: { nftables: [] }, programs: [], ...more });
  return { ...stateAlone(state), packetSockets };
}
const unread = (...parts: readonly string[]): Pick<HostState, 'unread'> => ({
  unread: parts.map((what) => ({ what, why: 'it was refused' })),
});
const told = (drifts: readonly Drift[]): readonly string[] => drifts.map(({ code, place }) => `${code} ${place}`);
const drift = (was: Snapshot, is: Snapshot): readonly string[] => told(driftOf(was, is));

/** Snapshots as a watch compares them: each with what was read before it. */
function watched(...snapshots: readonly Snapshot[]): readonly (readonly string[])[] {
  const [first, ...others] = snapshots;
  if (first === undefined) return [];
  let [last, known] = [first, first.state.unread];
  return others.map((now) => {
    const changes = told(driftOf(last, now, { bridge: null, unread: known }));
    [last, known] = [withLastRead(last, now), now.state.unread];
    return changes;
  });
}

describe('what comes and goes', () => {
  it('is told where it was read', () => {
    expect(drift(seen(), seen({ tc: mirrorTo('v1') }))).toEqual(['mirror-appeared v0 ingress', 'rules-changed tc']);
    expect(drift(seen({ programs: [program] }), seen())).toEqual(['bypass-gone v0 tcx ingress']);
    expect(drift(seen({ fdb: [entry] }), seen())).toEqual(['entry-gone 52:54:00:00:00:01']);
  });

  it.each([
    ['tc', seen({ tc: mirrorTo('v1') }), seen({ tc: null, ...unread('tc') })],
    ['fdb', seen({ fdb: [entry] }), seen({ fdb: [], ...unread('fdb') })],
    ['programs', seen({ programs: [program] }), seen({ programs: null, ...unread('programs') })],
    [
      'packet handlers',
      seen({ packetHandlers: [handler] }),
      seen({ packetHandlers: [], ...unread('packet handlers') }),
    ],
    ['packet sockets', seen({}, [sniffer]), seen(unread('packet sockets'), null)],
  ])('has neither come nor gone where %s could not be read', (part, read, blind) => {
    expect(drift(read, blind)).toEqual([`unread ${part}`]);
    expect(drift(blind, read)).toEqual([]);
  });

  it('is no news to a baseline of an earlier version, which knows no programs', () => {
    const { programs: _programs, ...state } = seen().state;
    expect(drift({ ...seen(), state }, seen({ programs: [program] }))).toEqual([]);
  });

  it('is told of what was read beside a part that was not', () => {
    const blind = seen({ tc: null, programs: [program], ...unread('tc') });
    expect(drift(seen(), blind)).toEqual(['bypass-appeared v0 tcx ingress', 'unread tc']);
  });
});

describe('a part that could not be read for a while', () => {
  const blind = seen({ tc: null, ...unread('tc') });

  it('is said once, and is no drift where it is as it was', () => {
    const mirrored = seen({ tc: mirrorTo('v1') });
    expect(watched(mirrored, blind, blind, mirrored)).toEqual([['unread tc'], [], []]);
  });

  it('has what changed meanwhile told when it can be read again', () => {
    expect(watched(seen(), blind, blind, seen({ tc: mirrorTo('v1') }))).toEqual([
      ['unread tc'],
      [],
      ['mirror-appeared v0 ingress', 'rules-changed tc'],
    ]);
  });

  it('is said again after it was read in between', () => {
    expect(watched(seen(), blind, seen(), blind)).toEqual([['unread tc'], [], ['unread tc']]);
  });

  it('is compared with nothing where it was never read', () => {
    expect(watched(blind, blind, seen({ tc: mirrorTo('v1') }))).toEqual([[], []]);
  });
});
