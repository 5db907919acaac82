import { describe, expect, it } from 'vitest';
import type { During } from '../../../../src/core/model/scenario.js';
import type { HostState, StepStates } from '../../../../src/core/model/state.js';
import {
  lostEvents,
  type RuleChange,
  type SettingChange,
  type TimelineEntry,
  type TimelineEvent,
  vlanList,
} from '../../../../src/core/model/timeline.js';
import { judgedRun, lacks } from '../../../support/judge/judged.js';
import { type Evidence, hostState, judge, perfectRun, scenario, step } from '../../../support/judge/perfect-run.js';
import { addLinks, changedState, setPorts, type StateChange } from '../../../support/link-state.js';

const reload: During = { atMs: 100, run: [['/usr/sbin/nft', '-f', 'rules.nft']], settleMs: 0 };
const shut: During = {
  atMs: 300,
  run: [['ip', 'link', 'set', 'dev', 'p2', 'type', 'bridge_slave', 'flood', 'off']],
  settleMs: 0,
};

/**
 * What a run leaves whose two events went as planned: the state was read before and after each, four times, and the
 * controls in between came at 500 ms.
 */
function withEvents(during: readonly During[] = [reload, shut]): Evidence {
  const evidence = perfectRun(scenario([step({ during })]));
  const at = (monoMs: number, event: TimelineEvent): TimelineEntry => ({
    step: 0,
    ...event,
    atNs: String(monoMs * 1_000_000),
    monoMs,
  });
  const timeline = evidence.timeline.flatMap((entry) => {
    if (entry.event === 'controls-sent' && entry.phase === 'between') return [at(500, entry)];
    if (entry.event !== 'probing') return [entry];
    return [
      at(0, { event: 'probing', state: 'started' }),
      ...during.flatMap(({ atMs }, index) => [
        at(atMs - 10, { event: 'state-read', when: 'during', reading: 2 * index + 1 }),
        at(atMs, { event: 'event-started', during: index }),
        at(atMs + 20, { event: 'event-ended', during: index, ok: true, detail: '' }),
        at(atMs + 30, { event: 'state-read', when: 'during', reading: 2 * index + 2 }),
      ]),
    ];
  });
  return {
    ...evidence,
    timeline,
    states: [{ before: hostState(), after: hostState(), during: during.flatMap(() => [hostState(), hostState()]) }],
  };
}

const rules = { nft: { nftables: [{ table: 'x' }] } };
const filters = { tc: [{ filter: 'x' }] };
const flood = setPorts({ flood: false }, 'p1');
const vlans = { vlan: [{ ifname: 'p1', vlans: [{ vlan: 7 }] }] };
const forwarding = { sysctl: { 'net.ipv4.ip_forward': '1' } };
const flows = { ovs: { bridges: [], ports: [], mirrors: [] } };

/**
 * The snapshots in order: 0 before the probes, 1 to 4 around the events, 5 after the probes. From snapshot `from` on, up
 * to `until`, the state is another.
 */
function changed(change: StateChange, from: number, until = 6, evidence = withEvents()): Evidence {
  const now = (snapshot: number): HostState =>
    snapshot >= from && snapshot < until ? changedState(hostState(), change) : hostState();
  return { ...evidence, states: [{ before: now(0), during: [1, 2, 3, 4].map(now), after: now(5) }] };
}
const afterFirst = (evidence: Evidence, event: TimelineEvent): Evidence => ({
  ...evidence,
  timeline: evidence.timeline.flatMap((logged) =>
    logged.event === 'event-ended' && logged.during === 0
      ? [logged, { atNs: '120000000', monoMs: 120, step: 0, ...event }]
      : [logged],
  ),
});
const heard = (
  change: Partial<RuleChange>,
  meanwhile: { readonly meanwhile?: true } = { meanwhile: true },
  during?: readonly During[],
): Evidence => {
  return afterFirst(withEvents(during), {
    event: 'rules-changed',
    changes: [{ kind: 'nft', pid: 77, program: 'nft', ...change }],
    ...meanwhile,
  });
};
const reasons = (evidence: Evidence) => judgedRun(evidence).texts;
const outcome = (evidence: Evidence) => [judge(evidence).verdict, reasons(evidence)];
const over = (event: number): string =>
  `, when event ${event} was over; if its work goes on after its commands, give it \`settle\``;
const busy = (event: number): string => `, while event ${event} was at work, which does not change that`;

describe('a step with events', () => {
  it('holds where nothing changed', () => expect(outcome(withEvents())).toEqual(['holds', []]));

  it.each<[string, Evidence]>([
    ['rules by a program of rules', changed(rules, 2)],
    ['a link by a program of links', changed(flood, 4)],
    [
      'VLANs, a filter, a sysctl, a switch by a program that can change all of them',
      changed({ ...forwarding, ...filters, ...vlans, ...flows }, 4),
    ],
  ])('holds where what changed is the doing of an event: %s', (_, evidence) =>
    expect(outcome(evidence)).toEqual(['holds', []]),
  );

  it('is inconclusive if an event made a rule that carries frames, which no snapshot has', () => {
    const made = { what: 'nft dup', place: 'bridge t c', rule: 'bridge t c 5' };
    const lost = { what: 'nft rules', place: 'more changes than the kernel keeps', rule: '' };
    const text = ({ what, place }: typeof made): string =>
      `bypass-possible -: ${what} at ${place} may carry frames past the ears: an event made it and took it away again before the state was read; leave it until the event is over`;
    for (const carrying of [made, lost])
      expect(outcome(heard({ carrying: [carrying] }))).toEqual(['inconclusive', [text(carrying)]]);
    const rule = { family: 'bridge', table: 't', chain: 'c', handle: 5, expr: [{ dup: { addr: 'p9' } }] };
    const seen = heard({ carrying: [made] });
    const state = { ...hostState(), nft: { nftables: [{ rule }] } };
    const states = [{ before: state, during: [1, 2, 3, 4].map(() => state), after: state }];
    expect(reasons({ ...seen, states })).not.toContain(text(made));
    const filter = { what: 'tc action mirred', place: 'interface 1 pref 9', rule: '1 9' };
    expect(reasons(heard({ kind: 'tc', carrying: [filter] }))).toEqual([text(filter)]);
  });

  it.each<[string, Evidence, string]>([
    ['before the first', changed(rules, 1), '-: the nft rules changed'],
    ['between two', changed(rules, 3), `-: the nft rules changed${over(1)}`],
    ['after the last', changed(flood, 5), `b: p1: flood was true, is false${over(2)}`],
    ['between two, and was put back by the next', changed(flood, 3, 4), `b: p1: flood was true, is false${over(1)}`],
    ['beside one that cannot have done it: a link', changed(flood, 2), `b: p1: flood was true, is false${busy(1)}`],
    ['beside one that cannot have done it: VLANs', changed(vlans, 2), `-: p1: its VLANs changed${busy(1)}`],
    ['beside one that cannot have done it: a filter', changed(filters, 2), `-: the tc rules changed${busy(1)}`],
    [
      'beside one that cannot have done it: a sysctl',
      changed(forwarding, 2),
      `-: net.ipv4.ip_forward was not there, is 1${busy(1)}`,
    ],
    [
      'beside one that cannot have done it: a switch',
      changed(flows, 2),
      `-: the configuration or the flows of Open vSwitch changed${busy(1)}`,
    ],
  ])('is inconclusive, never holds, where something changed %s', (_, evidence, text) =>
    expect(outcome(evidence)).toEqual(['inconclusive', [`settings-changed ${text}`]]),
  );

  it('may have an event whose program lets others do the work', () => {
    const evidence = withEvents([{ ...reload, run: [['systemctl', 'reload', 'firewall']] }, shut]);
    expect(reasons(changed((state) => flood({ ...state, ...rules }), 2, 6, evidence))).toEqual([]);
  });

  it('names who changed rules beside an event: a program that it does not run', () => {
    const stranger = ['settings-changed -: the nft rules changed and were put back, by process 77 (firewalld)'];
    expect(reasons(heard({ program: 'firewalld' }))).toEqual(stranger);
    expect(reasons(heard({}))).toEqual([]);
    expect(reasons(heard({ pid: null, program: null }))).toEqual([]);
    expect(reasons(heard({ program: 'firewalld' }, {}))).toEqual(stranger);
    expect(reasons(heard({}, {}))).toEqual([
      'settings-changed -: the nft rules changed and were put back, by process 77 (nft)',
    ]);
    expect(
      reasons(
        heard({ program: 'firewalld' }, { meanwhile: true }, [
          { ...reload, run: [['systemctl', 'reload', 'firewalld']] },
          shut,
        ]),
      ),
    ).toEqual([]);
  });

  const moved = (during: readonly During[], ...changes: readonly SettingChange[]): readonly string[] =>
    reasons(afterFirst(withEvents(during), { event: 'settings-changed', changes, meanwhile: true }));
  const byIp: readonly During[] = [{ ...reload, run: [['ip', 'link', 'del', 'dev', 'x']] }, shut];

  it('names a setting that moved and was put back beside an event that cannot have changed it', () => {
    const isolated = { ifindex: 3, what: 'isolated' };
    expect(moved([reload, shut], isolated)).toEqual(['settings-changed b: p1: isolated changed and was put back']);
    expect(moved(byIp, isolated)).toEqual([]);
    const byBridge = [{ ...reload, run: [['/sbin/bridge', 'vlan', 'add']] }, shut];
    expect(moved(byBridge, isolated, { ifindex: 3, what: vlanList })).toEqual([]);
  });

  it('names a port that came and went beside an event that makes none', () => {
    const passing = { ifindex: 77, what: 'master', name: 'vnet7', masters: [1] };
    expect(moved([reload, shut], passing)).toEqual([
      'settings-changed -: vnet7 joined br0 while probes were under way, and left it',
    ]);
    expect(moved(byIp, passing)).toEqual([]);
  });

  it('is inconclusive where events of links were lost, whatever was at work', () => {
    for (const during of [byIp, [reload, shut]])
      expect(moved(during, { ifindex: null, what: lostEvents })).toEqual([
        'state-unread -: the kernel reported more changes than it could keep. Rules that came and went meanwhile are not known',
      ]);
  });

  const states = (snapshots: readonly (number | null)[]): StepStates => ({
    before: hostState(),
    during: snapshots.map((snapshot) => (snapshot === null ? null : hostState())),
    after: hostState(),
  });
  const withoutSnapshot = (snapshot: number): Evidence => {
    const evidence = { ...withEvents(), states: [states([1, 2, 3])] };
    lacks('state-read', (entry) => entry.when === 'during' && entry.reading === snapshot)(evidence);
    return evidence;
  };
  it.each([1, 2, 3, 4])('is inconclusive, never holds, without its snapshot %i', (snapshot) => {
    expect(judge(withoutSnapshot(snapshot)).verdict).toBe('inconclusive');
    expect(reasons(withoutSnapshot(snapshot)).join('\n')).toContain('state-unread');
    const present = states([1, 2, 3, 4].map((number) => (number === snapshot ? null : number)));
    expect(outcome({ ...withEvents(), states: [present] })).toEqual([
      'inconclusive',
      [`state-unread -: reading ${snapshot} around the events is not there`],
    ]);
  });
  it('is inconclusive without any one line of its timeline but the first', () => {
    const whole = withEvents();
    const holding = whole.timeline.filter(
      (entry) =>
        judge({ ...whole, timeline: whole.timeline.filter((logged) => logged !== entry) }).verdict !== 'inconclusive',
    );
    expect(holding.map(({ event }) => event)).toEqual(['step-started']);
  });
  it('is inconclusive, never holds, where none of its snapshots is there, or one is not whole', () => {
    const none = withEvents();
    lacks('state-read', ({ when }) => when === 'during')(none);
    expect(reasons(none)).toEqual(['state-unread -: the state after event 1, 2 was not read']);
    expect(reasons(changed({ unread: [{ what: 'tc', why: 'denied' }] }, 3, 4))).toEqual(['state-unread -: tc: denied']);
  });
  it('is inconclusive where its first snapshot came when the event had begun', () => {
    const late = withEvents();
    const first = late.timeline.findIndex((entry) => entry.event === 'state-read' && entry.when === 'during');
    late.timeline = [
      ...late.timeline.slice(0, first),
      ...late.timeline.slice(first + 1, first + 2),
      ...late.timeline.slice(first, first + 1),
      ...late.timeline.slice(first + 2),
    ];
    expect(reasons(late)).toContain('state-unread -: the state before event 1 was not read');
  });

  it('is inconclusive where the work of an event may go on when probes have paused', () => {
    expect(reasons(withEvents([reload, { ...shut, settleMs: 180 }]))).toEqual([]);
    expect(reasons(withEvents([reload, { ...shut, settleMs: 181 }]))).toEqual([
      'event-missed -: event 2 at 300 ms was not over when the probes paused for the controls in between',
    ]);
  });

  it('names a guest that was there in the middle only', () => {
    const joined = addLinks('p2', { name: 'vnet9', ifindex: 99 });
    const { verdict, coverage } = judge(changed(joined, 4, 5));
    expect([verdict, coverage.unobserved]).toEqual([
      'inconclusive',
      [{ port: 'vnet9', reason: 'joined br0 in the middle of step 1, one' }],
    ]);
  });
});
