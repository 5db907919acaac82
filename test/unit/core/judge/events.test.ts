import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../../../src/core/model/scenario.js';
import type { HostState } from '../../../../src/core/model/state.js';
import type { TimelineEntry, TimelineEvent } from '../../../../src/core/model/timeline.js';
import { type Change, finds, receives, judged, judgedOf, plans } from '../../../support/judge/judged.js';
import { hostState, scenario, step } from '../../../support/judge/perfect-run.js';

const command = ['nft', '-f', 'rules.nft'];

const running = (...run: readonly (readonly string[])[]): Scenario =>
  scenario([step({ during: [{ atMs: 100, run, settleMs: 0 }] })]);
const eventful = running(command);

/** The state before the step, before its event and, as given, after both. */
const ends =
  (after: HostState): Change =>
  (evidence) => {
    evidence.states = [{ before: hostState(), during: [hostState(), after], after }];
  };

/** One event, from 100 to `to` ms, with the state read before and after it; probing is from 0 ms on, the controls in between are sent at 500 ms. */
const event =
  (to: number | null, end = { ok: true, detail: '' }): Change =>
  (evidence) => {
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
        at(99, { event: 'state-read', when: 'during', reading: 1 }),
        at(100, { event: 'event-started', during: 0 }),
        ...(to === null ? [] : [at(to, { event: 'event-ended', during: 0, ...end })]),
        at((to ?? 100) + 1, { event: 'state-read', when: 'during', reading: 2 }),
      ];
    });
    ends(hostState())(evidence);
  };

describe('a step with events', () => {
  it('holds where each event was over while probes went on, and says what ran when', () => {
    expect(judgedOf(eventful, event(120)).steps[0]).toMatchObject({
      verdict: 'holds',
      reasons: [],
      events: [{ commands: [command], fromMs: 100, toMs: 120 }],
    });
  });

  it.each<[string, readonly Change[], string]>([
    ['it never began', [], 'event-missed'],
    ['it ended when probes had paused', [event(501)], 'event-missed'],
    ['it did not end', [event(null)], 'event-failed'],
    ['its command failed', [event(120, { ok: false, detail: 'no such file' })], 'event-failed'],
  ])('is inconclusive, never holds, where %s', (_, changes, code) =>
    expect(judgedOf(eventful, ...changes)).toMatchObject({ verdict: 'inconclusive', codes: [code] }),
  );

  it('may find other rules afterwards, which its event loaded; a step without events may not', () => {
    const changed = { ...hostState(), nft: [{ rule: 1 }] };
    expect(judgedOf(eventful, event(120), ends(changed)).codes).toEqual([]);
    expect(judged(finds(hostState(), changed)).codes).toEqual(['settings-changed']);
  });

  it('does not hold where a guest joined that nobody listened to, unless the file says so', () => {
    const { links } = hostState();
    const guest = links.filter(({ name }) => name === 'p2').map((link) => ({ ...link, name: 'vnet9', ifindex: 99 }));
    const joining = running(['ip', 'link', 'set', 'dev', 'vnet9', 'master', 'br0']);
    const joined = [event(120), ends({ ...hostState(), links: [...links, ...guest] })];
    expect(judgedOf(joining, ...joined)).toMatchObject({
      verdict: 'inconclusive',
      codes: ['coverage-partial'],
      coverage: { unobserved: [{ port: 'vnet9', reason: 'joined br0 in the middle of step 1, one' }] },
    });
    expect(
      judgedOf(
        joining,
        ...joined,
        plans(() => ({ partialScope: 'it is new' })),
      ).verdict,
    ).toBe('holds');
  });

  it('tells the windows of a leak: probes that follow one another in the order of sending', () => {
    const [row] = judgedOf(eventful, event(120), ...[4, 5, 6, 9].map((sequence) => receives('c', sequence))).leaks;
    expect(row).toMatchObject({ observer: 'c', seen: 4 });
    expect(row?.windows?.map(({ frames }) => frames)).toEqual([3, 1]);
  });
});
