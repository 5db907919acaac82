import { describe, expect, it } from 'vitest';
import type { HostState } from '../../../../src/core/model/state.js';
import type { TimelineEntry, TimelineEvent } from '../../../../src/core/model/timeline.js';
import { buildFrame } from '../../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../../src/core/wire/token.js';
import {
  addFrames,
  type Evidence,
  hostState,
  judge,
  key,
  perfectRun,
  scenario,
  step,
} from '../../../support/judge/perfect-run.js';

const command = ['nft', '-f', 'rules.nft'];

/** The evidence with this state after its event. */
function withStates(evidence: Evidence, after: HostState): Evidence {
  return { ...evidence, states: [{ before: hostState(), during: [hostState(), after], after }] };
}

/**
 * A perfect run with one event, from `from` to `to` ms, and the state read before and after it; probing is from 0 ms on,
 * the controls in between are sent at 500 ms.
 */
function withEvent(
  from: number,
  to: number | null,
  end: { readonly ok: boolean; readonly detail: string } = { ok: true, detail: '' },
  run: readonly string[] = command,
): Evidence {
  const evidence = perfectRun(scenario([step({ during: [{ atMs: from, run: [run], settleMs: 0 }] })]));
  const at = (monoMs: number, event: TimelineEvent): TimelineEntry => ({
    atNs: String(monoMs * 1_000_000),
    monoMs,
    step: 0,
    ...event,
  });
  evidence.timeline = evidence.timeline.flatMap((entry) => {
    if (entry.event === 'controls-sent' && entry.phase === 'between') return [{ ...entry, monoMs: 500 }];
    if (entry.event !== 'probing') return [entry];
    return [
      at(0, { event: 'probing', state: 'started' }),
      at(from - 1, { event: 'state-read', when: 'during', reading: 1 }),
      at(from, { event: 'event-started', during: 0 }),
      ...(to === null ? [] : [at(to, { event: 'event-ended', during: 0, ...end })]),
      at((to ?? from) + 1, { event: 'state-read', when: 'during', reading: 2 }),
    ];
  });
  return withStates(evidence, hostState());
}

const codes = (evidence: Evidence): readonly string[] =>
  judge(evidence).steps.flatMap(({ reasons }) => reasons.map(({ code }) => code));

describe('a step with events', () => {
  it('holds where each event was over while probes went on, and says what ran when', () => {
    const [judged] = judge(withEvent(100, 120)).steps;
    expect(judged).toMatchObject({
      verdict: 'holds',
      reasons: [],
      events: [{ commands: [command], fromMs: 100, toMs: 120 }],
    });
  });

  it.each([
    [
      'it never began',
      (): Evidence => {
        const evidence = withEvent(100, 120);
        return { ...evidence, timeline: evidence.timeline.filter(({ event }) => !event.startsWith('event-')) };
      },
      'event-missed',
    ],
    ['it ended when probes had paused', (): Evidence => withEvent(100, 501), 'event-missed'],
    ['it did not end', (): Evidence => withEvent(100, null), 'event-failed'],
    ['its command failed', (): Evidence => withEvent(100, 120, { ok: false, detail: 'no such file' }), 'event-failed'],
  ])('is inconclusive, never holds, where %s', (_, evidence, code) => {
    expect(judge(evidence()).verdict).toBe('inconclusive');
    expect(codes(evidence())).toEqual([code]);
  });

  it('may find other rules afterwards, which its event loaded; a step without events may not', () => {
    const changed = (evidence: Evidence): Evidence => withStates(evidence, { ...hostState(), nft: [{ rule: 1 }] });
    expect(codes(changed(withEvent(100, 120)))).toEqual([]);
    expect(codes(changed(perfectRun()))).toEqual(['settings-changed']);
  });

  it('does not hold where a guest joined that nobody listened to, unless the file says so', () => {
    const { links } = hostState();
    const joining = ['ip', 'link', 'set', 'dev', 'vnet9', 'master', 'br0'];
    const joined = (): Evidence =>
      withStates(withEvent(100, 120, undefined, joining), {
        ...hostState(),
        links: [
          ...links,
          ...links.filter(({ name }) => name === 'p2').map((link) => ({ ...link, name: 'vnet9', ifindex: 99 })),
        ],
      });
    const result = judge(joined());
    expect([result.verdict, codes(joined()), result.coverage.unobserved]).toEqual([
      'inconclusive',
      ['coverage-partial'],
      [{ port: 'vnet9', reason: 'joined br0 in the middle of step 1, one' }],
    ]);
    const scoped = joined();
    expect(judge({ ...scoped, plan: { ...scoped.plan, partialScope: 'it is new' } }).verdict).toBe('holds');
  });

  it('tells the windows of a leak: probes that follow one another in the order of sending', () => {
    const evidence = withEvent(100, 120);
    const flow = evidence.plan.steps[0]?.flows.at(0);
    if (flow === undefined) throw new Error('the plan has no flow');
    const frame = (sequence: number) => ({
      observer: 'c',
      outgoing: true,
      bytes: buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, flow.first + sequence, 1)),
    });
    addFrames(evidence, ...[4, 5, 6, 9].map(frame));
    const row = judge(evidence).steps[0]?.findings.find(({ leak }) => leak);
    expect(row).toMatchObject({ observer: 'c', seen: 4 });
    expect(row?.windows?.map(({ frames }) => frames)).toEqual([3, 1]);
  });
});
