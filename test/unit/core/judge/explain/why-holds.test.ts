import { describe, expect, it } from 'vitest';
import { explainCode } from '../../../../../src/cli/commands/scenario/explain.js';
import { barrierCodes } from '../../../../../src/core/judge/explain/barriers.js';
import { whyHolds } from '../../../../../src/core/judge/explain/why-holds.js';
import type { StepPlan } from '../../../../../src/core/model/plan.js';
import type { Finding, Held } from '../../../../../src/core/model/result.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import {
  addressed,
  type Change,
  finds,
  type Judged,
  judged,
  judgedOf,
  lacks,
  probeFrame,
  probing,
  receives,
} from '../../../../support/judge/judged.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { changedState, learnedAt, setBridges, setPorts, type StateChange } from '../../../../support/link-state.js';
import { there } from '../../../../support/there.js';
import { flow, host, plan, step as planned, zero } from '../../../../support/judge/row-fixture.js';

const macOfB = '52:54:00:00:00:02';
const entry = learnedAt(macOfB, 'p1', { state: 'dynamic' });
const stateWith = (...changes: readonly StateChange[]): HostState => changedState(hostState(), ...changes);

/** A run of a to b, raw, in which nobody else saw anything, around the state. */
const held = (...changes: readonly StateChange[]): readonly Held[] =>
  judged(finds(stateWith(...changes))).steps[0]?.held ?? [];

const codesAt = (stories: readonly Held[], observer: string): readonly string[] =>
  stories
    .filter(({ observers }) => observers.includes(observer))
    .flatMap(({ barriers }) => barriers.map(({ code }) => code));

describe('what a holds rests on', () => {
  it('is one barrier alone, with its place and what would open it, where there is no other', () => {
    const [story] = held({ fdb: [entry] });
    expect(story).toMatchObject({
      class: 'known-unicast',
      carriers: ['raw'],
      from: ['a'],
      observers: ['c', 'lan'],
      alone: true,
      barriers: [{ code: 'learned-entry', places: [`fdb ${macOfB} dev p1`] }],
    });
    expect(story?.barriers[0]?.opens).toMatch(/ageing time of 0/);
  });

  it('is told for each observer by what is in his way', () => {
    const stories = held({ fdb: [entry] }, setPorts({ isolated: true }, 'p0', 'p2'), setPorts({ flood: false }, 'p2'));
    expect(codesAt(stories, 'c')).toEqual(['isolated', 'learned-entry', 'flood-off']);
    expect(codesAt(stories, 'lan')).toEqual(['learned-entry']);
    expect(stories.find(({ observers }) => observers.includes('c'))?.alone).toBe(false);
  });

  it.each([
    ['static-entry', { ...entry, state: 'static' }],
    ['sticky-entry', { ...entry, state: 'static', flags: ['sticky'] }],
    ['permanent-entry', { ...entry, port: 'br0', master: null, state: 'permanent', flags: ['self'] }],
  ] as const)('is a %s where the table has one', (code, entry) => {
    expect(codesAt(held({ fdb: [entry] }), 'c')).toEqual([code]);
  });

  it('is no entry that was there before the probes only', () => {
    const run = judged(finds(stateWith({ fdb: [entry] }), stateWith({ fdb: [] })));
    expect(codesAt(run.steps[0]?.held ?? [], 'c')).toEqual(['unexplained']);
  });

  it('is the VLANs of the ports where the bridge filters', () => {
    const vlan = [
      { ifname: 'p0', vlans: [{ vlan: 10, flags: ['PVID', 'Egress Untagged'] }] },
      { ifname: 'p2', vlans: [{ vlan: 20, vlanEnd: 30 }] },
      { ifname: 'p3', vlans: [{ vlan: 5, vlanEnd: 15 }] },
    ];
    const stories = held({ vlan }, setPorts({ flood: false }, 'p3'), setBridges({ vlan_filtering: 1 }));
    expect(stories.find(({ observers }) => observers.includes('c'))?.barriers).toMatchObject([
      { code: 'vlan-filtering', places: ['p2 is not in VLAN 10'] },
    ]);
    expect(codesAt(stories, 'lan')).toEqual(['flood-off']);
  });

  it('is a filter only where nothing of the bridge is in the way, and unexplained where there is no filter either', () => {
    const nft = { nftables: [{ rule: { family: 'bridge', table: 'guard', chain: 'c', expr: [] } }] };
    expect(held({ nft })[0]?.barriers).toMatchObject([{ code: 'filter', places: ['nft bridge guard'] }]);
    expect(codesAt(held({ nft, fdb: [entry] }), 'c')).toEqual(['learned-entry']);
    expect(codesAt(held(), 'c')).toEqual(['unexplained']);
  });

  it('is not said of a step that does not hold', () => {
    const { steps } = judged(finds(stateWith({ fdb: [entry] })), lacks('drained'));
    expect(steps[0]).toMatchObject({ verdict: 'inconclusive' });
    expect(steps[0]).not.toHaveProperty('held');
  });

  it.each(barrierCodes)('%s is explained, with what opens it', (code) => {
    expect(explainCode(code)).toMatch(/a barrier that keeps frames from an observer\.\n {2}\S.+ Opened by .+\./);
  });
});

describe('rows that are told together', () => {
  const state = host({ fdb: [entry] });
  const reported = (
    rows: readonly Finding[],
    of: StepPlan = planned,
    states: { readonly before: HostState | null; readonly after: HostState | null } = { before: state, after: state },
  ): readonly Held[] => whyHolds(rows, plan, of, states);

  it('are those of one class with the same in the way, whoever sends, in whatever carrier, at whatever observer', () => {
    const rows = [
      zero,
      { ...zero, carrier: 'ipv4-udp' },
      { ...zero, from: 'lan' },
      { ...zero, observer: 'lan' },
      { ...zero, observer: 'lan' },
      { ...zero, class: 'mac-spoof' },
    ];
    expect(
      reported(rows).map(({ class: name, carriers, from, observers }) => [name, carriers, from, observers]),
    ).toEqual([
      ['known-unicast', ['raw', 'ipv4-udp'], ['a', 'lan'], ['c', 'lan']],
      ['mac-spoof', ['raw'], ['a'], ['c']],
    ]);
  });
  it.each<[string, Partial<Finding>]>([
    ['somebody who may see it', { allowed: 'may' }],
    ['who has to', { allowed: 'must' }],
    ['a leak', { seen: 1, leak: true }],
    ['frames that were not sent', { sent: 0 }],
    ['frames of which nobody knows', { sent: null }],
    ['a group of rows', { grouped: 4 }],
    ['traffic of programs', { carrier: 'native' }],
    ['a bridge that the state does not know', { observer: 'br9' }],
  ])('are none of %s', (_, over) => expect(reported([{ ...zero, ...over }])).toEqual([]));
  it('are none where the state was not read', () =>
    expect(reported([zero], planned, { before: null, after: null })).toEqual([]));
  it('are explained up to the two thousandth', () => {
    const rows = [
      ...Array.from({ length: 1999 }, () => zero),
      { ...zero, carrier: 'arp' },
      { ...zero, carrier: 'ipv4-udp' },
    ];
    expect(reported(rows)[0]?.carriers).toEqual(['raw', 'arp']);
  });
  it('name twenty places, and how many more there are', () => {
    const mac = (at: number): string => `52:54:00:00:01:${at.toString(16).padStart(2, '0')}`;
    const places = (count: number): readonly (number | undefined)[] => {
      const flows = Array.from({ length: count }, (__, id) => ({
        ...flow,
        id,
        probe: id,
        frame: { ...flow.frame, dstMac: mac(id) },
      }));
      const known = host({ fdb: flows.map(({ frame }) => ({ ...entry, mac: frame.dstMac })) });
      const [barrier] =
        reported(
          flows.map((_, probe) => ({ ...zero, probe })),
          { ...planned, flows },
          { before: known, after: known },
        )[0]?.barriers ?? [];
      return [barrier?.places.length, barrier?.morePlaces];
    };
    expect([places(20), places(23)]).toEqual([
      [20, undefined],
      [20, 3],
    ]);
  });
  it('name no place where nothing explains them', () =>
    expect(reported([zero], planned, { before: host(), after: host() })[0]?.barriers).toMatchObject([
      { code: 'unexplained', places: [] },
    ]));
});

describe('carriers that come to different ends', () => {
  const both = addressed(probing({ carriers: ['raw', 'ipv4-udp'] }));

  const leaking = (carrier: string, state: HostState, ...changes: readonly Change[]): Judged =>
    judgedOf(
      both,
      finds(state),
      receives('c', (evidence) => {
        const [flow] = evidence.plan.steps[0]?.flows.filter((flow) => flow.carrier === carrier) ?? [];
        return probeFrame(evidence, 0, there(flow));
      }),
      ...changes,
    );

  it('are told apart, with the filter that hides the leak of the bridge', () => {
    const nft = { nftables: [{ rule: { family: 'ip', table: 'filter', chain: 'FORWARD', expr: [] } }] };
    const state = stateWith({ nft, sysctl: { 'net.bridge.bridge-nf-call-iptables': '1' } });
    const apart = leaking('raw', state).steps[0]?.carriersApart;
    expect(apart).toMatchObject([
      { class: 'known-unicast', from: 'a', to: 'b', observers: ['c'], broken: ['raw'], holds: ['ipv4-udp'] },
    ]);
    expect(apart?.[0]?.text).toMatch(
      /^raw broken, ipv4-udp holds: a filter hides .+ \(nft ip filter by br_netfilter\)$/,
    );
  });

  it('are told apart the other way round too', () => {
    expect(leaking('ipv4-udp', stateWith()).steps[0]?.carriersApart?.[0]?.text).toMatch(
      /^ipv4-udp broken, raw holds: .+\(no filter stands in the state that was read\)$/,
    );
  });

  it('are not compared where the proof of the one that held is not complete', () => {
    const { steps } = leaking('raw', stateWith(), lacks('drained'));
    expect(steps[0]).toMatchObject({ verdict: 'broken' });
    expect(steps[0]).not.toHaveProperty('carriersApart');
  });
});
