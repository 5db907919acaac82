import { describe, expect, it } from 'vitest';
import { explainCode } from '../../../../../src/cli/commands/scenario/explain.js';
import { barrierCodes } from '../../../../../src/core/judge/explain/barriers.js';
import { whyHolds } from '../../../../../src/core/judge/explain/why-holds.js';
import type { StepPlan } from '../../../../../src/core/model/plan.js';
import type { Finding, Held } from '../../../../../src/core/model/result.js';
import type { HostState, LinkState } from '../../../../../src/core/model/state.js';
import { buildFrame } from '../../../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../../../src/core/wire/token.js';
import {
  addFrames,
  type Evidence,
  hostState,
  judge,
  key,
  perfectRun,
  scenario,
  step,
} from '../../../../support/judge/perfect-run.js';
import { flow, host, plan, step as planned, zero } from '../../../../support/judge/row-fixture.js';

const macOfB = '52:54:00:00:00:02';
const entry = {
  mac: macOfB,
  port: 'p1',
  master: 'br0',
  vlan: null,
  state: 'dynamic',
  flags: [],
  usedS: 1,
  updatedS: 1,
} as const;

type Settings = NonNullable<LinkState['port']>;

function stateWith(
  over: Partial<HostState>,
  ports: Readonly<Record<string, Settings>> = {},
  bridge: Settings = {},
): HostState {
  const state = hostState();
  const links = state.links.map((link) => ({
    ...link,
    bridge: link.bridge === null ? null : { ...link.bridge, ...bridge },
    port: link.port === null ? null : { ...link.port, ...ports[link.name] },
  }));
  return { ...state, links, ...over };
}

/** A run of a to b, raw, in which nobody else saw anything, around the state. */
function held(state: HostState, evidence: Evidence = perfectRun()): readonly Held[] {
  evidence.states = evidence.states.map(() => ({ before: state, after: state }));
  return judge(evidence).steps[0]?.held ?? [];
}

const codesAt = (stories: readonly Held[], observer: string): readonly string[] =>
  stories
    .filter(({ observers }) => observers.includes(observer))
    .flatMap(({ barriers }) => barriers.map(({ code }) => code));

describe('what a holds rests on', () => {
  it('is one barrier alone, with its place and what would open it, where there is no other', () => {
    const [story] = held(stateWith({ fdb: [entry] }));
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
    const stories = held(stateWith({ fdb: [entry] }, { p0: { isolated: true }, p2: { isolated: true, flood: false } }));
    expect(codesAt(stories, 'c')).toEqual(['isolated', 'learned-entry', 'flood-off']);
    expect(codesAt(stories, 'lan')).toEqual(['learned-entry']);
    expect(stories.find(({ observers }) => observers.includes('c'))?.alone).toBe(false);
  });

  it.each([
    ['static-entry', { ...entry, state: 'static' }],
    ['sticky-entry', { ...entry, state: 'static', flags: ['sticky'] }],
    ['permanent-entry', { ...entry, port: 'br0', master: null, state: 'permanent', flags: ['self'] }],
  ] as const)('is a %s where the table has one', (code, entry) => {
    expect(codesAt(held(stateWith({ fdb: [entry] })), 'c')).toEqual([code]);
  });

  it('is no entry that was there before the probes only', () => {
    const evidence = perfectRun();
    evidence.states = [{ before: stateWith({ fdb: [entry] }), after: stateWith({ fdb: [] }) }];
    expect(codesAt(judge(evidence).steps[0]?.held ?? [], 'c')).toEqual(['unexplained']);
  });

  it('is the VLANs of the ports where the bridge filters', () => {
    const vlan = [
      { ifname: 'p0', vlans: [{ vlan: 10, flags: ['PVID', 'Egress Untagged'] }] },
      { ifname: 'p2', vlans: [{ vlan: 20, vlanEnd: 30 }] },
      { ifname: 'p3', vlans: [{ vlan: 5, vlanEnd: 15 }] },
    ];
    const stories = held(stateWith({ vlan }, { p3: { flood: false } }, { vlan_filtering: 1 }));
    expect(stories.find(({ observers }) => observers.includes('c'))?.barriers).toMatchObject([
      { code: 'vlan-filtering', places: ['p2 is not in VLAN 10'] },
    ]);
    expect(codesAt(stories, 'lan')).toEqual(['flood-off']);
  });

  it('is a filter only where nothing of the bridge is in the way, and unexplained where there is no filter either', () => {
    const nft = { nftables: [{ rule: { family: 'bridge', table: 'guard', chain: 'c', expr: [] } }] };
    expect(held(stateWith({ nft }))[0]?.barriers).toMatchObject([{ code: 'filter', places: ['nft bridge guard'] }]);
    expect(codesAt(held(stateWith({ nft, fdb: [entry] })), 'c')).toEqual(['learned-entry']);
    expect(codesAt(held(stateWith({})), 'c')).toEqual(['unexplained']);
  });

  it('is not said of a step that does not hold', () => {
    const evidence = perfectRun();
    evidence.states = [{ before: stateWith({ fdb: [entry] }), after: stateWith({ fdb: [entry] }) }];
    evidence.timeline = evidence.timeline.filter(({ event }) => event !== 'drained');
    expect(judge(evidence).steps[0]).toMatchObject({ verdict: 'inconclusive' });
    expect(judge(evidence).steps[0]).not.toHaveProperty('held');
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
  const both = scenario([
    step({ probes: step().probes.map((probe) => ({ ...probe, carriers: ['raw', 'ipv4-udp'] as const })) }),
  ]);

  function leaking(carrier: string, state: HostState): Evidence {
    const evidence = perfectRun({
      ...both,
      topology: {
        ...both.topology,
        endpoints: both.topology.endpoints.map((endpoint, at) => ({
          ...endpoint,
          ips: [{ family: 4, address: `10.0.0.${at + 1}`, prefix: 24 }],
        })),
      },
    });
    evidence.states = [{ before: state, after: state }];
    const flow = evidence.plan.steps[0]?.flows.filter((flow) => flow.carrier === carrier)[0];
    if (flow === undefined) throw new Error(`no flow of ${carrier}`);
    addFrames(evidence, {
      observer: 'c',
      outgoing: true,
      bytes: buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, flow.first, 1)),
    });
    return evidence;
  }

  it('are told apart, with the filter that hides the leak of the bridge', () => {
    const nft = { nftables: [{ rule: { family: 'ip', table: 'filter', chain: 'FORWARD', expr: [] } }] };
    const apart = judge(leaking('raw', stateWith({ nft, sysctl: { 'net.bridge.bridge-nf-call-iptables': '1' } })))
      .steps[0]?.carriersApart;
    expect(apart).toMatchObject([
      { class: 'known-unicast', from: 'a', to: 'b', observers: ['c'], broken: ['raw'], holds: ['ipv4-udp'] },
    ]);
    expect(apart?.[0]?.text).toMatch(
      /^raw broken, ipv4-udp holds: a filter hides .+ \(nft ip filter by br_netfilter\)$/,
    );
  });

  it('are told apart the other way round too', () => {
    expect(judge(leaking('ipv4-udp', stateWith({}))).steps[0]?.carriersApart?.[0]?.text).toMatch(
      /^ipv4-udp broken, raw holds: .+\(no filter stands in the state that was read\)$/,
    );
  });

  it('are not compared where the proof of the one that held is not complete', () => {
    const evidence = leaking('raw', stateWith({}));
    evidence.timeline = evidence.timeline.filter(({ event }) => event !== 'drained');
    expect(judge(evidence).steps[0]).toMatchObject({ verdict: 'broken' });
    expect(judge(evidence).steps[0]).not.toHaveProperty('carriersApart');
  });
});
