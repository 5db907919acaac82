import { describe, expect, it } from 'vitest';
import { copiedEntries } from '../../../../../src/core/discover/twin/copied-entries.js';
import type { FdbState } from '../../../../../src/core/model/state.js';
import { macOf, plain, entry, link } from '../../../../support/discover/twin-fixture.js';

describe('entries that are copied', () => {
  const copied = (...fdb: readonly FdbState[]): ReturnType<typeof copiedEntries> =>
    copiedEntries({ ...plain, fdb }, link(plain, 'br0'), new Set(['p0', 'p1']));
  const member = (over: object): ReturnType<typeof copiedEntries> =>
    copiedEntries(
      { ...plain, mdb: [{ mdb: [{ dev: 'br0', port: 'p1', grp: '239.1.1.1', state: 'permanent', ...over }] }] },
      link(plain, 'br0'),
      new Set(['p0', 'p1']),
    );
  it('are permanent ones of guests as well, with their VLAN', () => {
    expect(copied(entry(macOf(7), 'p0', { state: 'permanent', vlan: 4 })).fdb).toEqual([
      { mac: macOf(7), port: 'p0', state: 'permanent', vlan: 4 },
    ]);
    expect(copied(entry(macOf(7), 'br0', { master: null, state: 'permanent', vlan: 4 })).fdb).toEqual([
      { mac: macOf(7), port: 'br0', self: true, vlan: 4 },
    ]);
  });
  it('are none of another bridge, of a group, of the bridge’s own devices, or written there by itself', () => {
    const elsewhere = {
      ...plain,
      links: [...plain.links, { ...link(plain, 'p0'), name: 'x0', master: 'br9', mac: macOf(7) }],
    };
    expect(
      copiedEntries(
        { ...elsewhere, fdb: [entry(macOf(7), 'p0', { state: 'static' })] },
        link(plain, 'br0'),
        new Set(['p0']),
      ).fdb,
    ).toHaveLength(1);
    for (const row of [
      entry(macOf(7), 'p0', { state: 'static', master: 'br9' }),
      entry('01:00:5e:00:00:01', 'p0', { state: 'static' }),
      entry(link(plain, 'p1').mac, 'p0', { state: 'static' }),
      entry(link(plain, 'br0').mac, 'p0', { state: 'static' }),
      entry(macOf(7), 'br0', { state: 'static' }),
    ]) {
      expect(copied(row)).toEqual({ fdb: [], mdb: [], missing: [] });
    }
  });
  it('that an offload keeps are named', () =>
    expect(copied(entry(macOf(7), 'p0', { state: 'static', flags: ['sticky', 'offload'] })).missing).toEqual([
      `entry ${macOf(7)} on p0: another program keeps it (sticky, offload)`,
    ]));
  it('of groups are members that somebody wrote; others are counted, or named', () => {
    expect(member({}).mdb).toEqual([{ group: '239.1.1.1', port: 'p1' }]);
    expect(member({ vid: 10 }).mdb).toEqual([{ group: '239.1.1.1', port: 'p1', vlan: 10 }]);
    expect(member({ vid: 0 }).mdb).toEqual([{ group: '239.1.1.1', port: 'p1' }]);
    expect(member({ port: 'p9' })).toMatchObject({ mdb: [], missing: ['member p9 of 239.1.1.1'] });
    expect(member({ src: '10.0.0.1' })).toMatchObject({ mdb: [], missing: ['member p1 of 239.1.1.1'] });
    expect(member({ state: 'temp' })).toEqual({
      fdb: [],
      mdb: [],
      missing: ['1 members of multicast groups that joined by themselves (IGMP, MLD)'],
    });
    expect(member({ vid: 'x' }).mdb).toEqual([{ group: '239.1.1.1', port: 'p1' }]);
    expect(member({ src: { addr: '10.0.0.1' } })).toMatchObject({ mdb: [], missing: ['member p1 of 239.1.1.1'] });
    for (const change of [{ dev: 'br9' }, { port: 'br0' }, { port: 'br0', state: 'temp' }, { grp: 7 }])
      expect(member(change)).toEqual({ fdb: [], mdb: [], missing: [] });
  });
});
