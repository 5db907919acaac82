import { describe, expect, it } from 'vitest';
import { isCauseCode } from '../../../../../src/core/bridge/weaknesses.js';
import type { RowContext } from '../../../../../src/core/bridge/row-context.js';
import type { Flow } from '../../../../../src/core/model/plan.js';
import {
  b,
  bridge,
  broadcast,
  entry,
  flow,
  group,
  host,
  links,
  of,
  port,
  step,
} from '../../../../support/judge/row-fixture.js';
import { findAsText } from '../../../../support/judge/find-as-text.js';

const { p0, p1, p2 } = links;

describe('the text of a cause', () => {
  it('says whom an aged entry was of, and for how long it would have stood', () => {
    expect(
      findAsText('aged-out')({ finding: of('aged-unicast'), bridge: bridge({ ageing_time: 1500 }) }),
    ).toMatchObject({ value: '15 s', text: 'b was silent for longer than 15 s, so br0 forgot where it is' });
  });
  it('says what a port takes: broadcasts, or multicast', () => {
    const text = (dstMac: string): string | undefined =>
      findAsText('group-flood')({ dstMac, port: port(p2, { bcast_flood: true, mcast_flood: true }) })?.text;
    expect([text(broadcast), text(group)]).toEqual([
      'p2 takes broadcasts',
      'p2 takes multicast that no guest there asked for',
    ]);
    expect(
      findAsText('group-flood')({ dstMac: null, port: port(p2, { bcast_flood: true, mcast_flood: true }) }),
    ).toBeNull();
  });
  it('names the addressee of a port that learns nothing', () => {
    const learning = host({
      links: host().links.map((link) => (link.name === 'p1' ? port(p1, { learning: false }) : link)),
    });
    expect(findAsText('learning-off')({ before: learning })?.text).toBe(
      'p1 learns nothing and has no static entry, so frames to b flood',
    );
  });
  it('lets an uplink learn, behind which are many stations', () => {
    const links = host().links.map((link) =>
      link.name === 'p1' ? { ...port(p1, { learning: false }), kind: null } : link,
    );
    expect(findAsText('learning-off')({ before: host({ links }) })?.fix).toBe('bridge link set dev p1 learning on');
  });
  it('of a full table looks at that bridge alone, and mends by an entry where the addressee has a port', () => {
    const full = (name: string) =>
      host({
        links: [
          { ...bridge({ fdb_max_learned: 4, fdb_n_learned: 4 }), name },
          bridge({ fdb_max_learned: 4, fdb_n_learned: 1 }),
        ],
      });
    expect(findAsText('fdb-full')({ after: full('br9') })).toBeNull();
    expect(findAsText('fdb-full')({ after: full('br0'), to: { ...b, port: null } })?.fix).toBe(
      'ip link set dev br0 type bridge fdb_max_learned 0',
    );
  });
});

describe('a multicast router port', () => {
  const find = findAsText('mcast-router-port');
  const query = (over: Partial<Flow> = {}): Flow => ({
    ...flow,
    class: 'igmp-query',
    from: 'c',
    purpose: 'stimulus',
    ...over,
  });
  const asked = (flows: readonly Flow[], more: Partial<RowContext> = {}) =>
    find({
      finding: of('igmp-query'),
      dstMac: group,
      step: { ...step, flows },
      port: port(p2, { multicast_router: 1 }),
      ...more,
    });
  it('is one for good, or becomes one by a query of its own guest', () => {
    expect(find({ dstMac: group, port: port(p2, { multicast_router: 2 }) })?.text).toBe(
      'p2 is a multicast router port and gets every group',
    );
    expect(asked([query(), flow])?.text).toBe('a query makes p2 a multicast router port, which gets every group');
  });
  it.each<[string, readonly Flow[], Partial<RowContext>]>([
    ['another class of frames', [query()], { finding: of('multicast') }],
    ['a query that is no stimulus', [query({ purpose: 'restore' })], {}],
    ['a stimulus of another class', [query({ class: 'multicast' })], {}],
    ['a query of another guest', [query({ from: 'b' })], {}],
    ['no query at all', [flow], {}],
    ['no port', [query()], { port: null }],
    ['unicast', [query()], { dstMac: '52:54:00:00:00:02' }],
  ])('is none by %s', (_, flows, more) => expect(asked(flows, more)).toBeNull());
});

describe('a code', () => {
  it('is one of a cause, or not', () =>
    expect([
      isCauseCode('mirror'),
      isCauseCode('unexplained'),
      isCauseCode('isolated'),
      isCauseCode('toString'),
    ]).toEqual([true, true, false, false]));
});

describe('a MAC that moved', () => {
  it('is one of the addressee’s, to a port that is not its own', () => {
    expect(findAsText('mac-moved')({ dstMac: null, to: { ...b, macs: [] }, finding: of('mac-steal') })).toBeNull();
    expect(findAsText('mac-moved')({ entries: [entry(), entry({ port: 'p0' })] })).toMatchObject({ value: 'p0' });
    expect(findAsText('mac-moved')({ entries: [entry()], fromPort: p0 })).toBeNull();
  });
  it('of who lives on another host is rightly at the tunnel there, where a theft is mended too', () => {
    const far = { to: { ...b, port: 'hv2/p1' }, entries: [entry({ port: 'vx1' })] };
    expect(findAsText('mac-moved')(far)).toBeNull();
    expect(findAsText('mac-moved')({ ...far, finding: of('mac-steal') })).toMatchObject({
      value: 'p2',
      fix: expect.stringMatching(/ dev vx1 master static sticky$/),
    });
    expect(findAsText('mac-moved')({ ...far, entries: [], finding: of('mac-steal') })?.fix).toMatch(
      / dev hv2\/p1 master static sticky$/,
    );
  });
});
