import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProbeEntry } from '../../../../src/core/model/scenario.js';
import type { LinkState } from '../../../../src/core/model/state.js';
import {
  judgedRun,
  captures,
  type Change,
  changedRun,
  counts,
  finds,
  receives,
  judged,
  judgedOf,
  keeps,
  lacks,
  logs,
  probing,
  runs,
  sends,
  records,
  withEndpoints,
} from '../../../support/judge/judged.js';
import { hostState, judge, perfectRun } from '../../../support/judge/perfect-run.js';

describe('a perfect run', () => {
  it('holds, with the bound that its deliveries give', () => {
    const { codes, verdict, exitCode, findings } = judged();
    expect([codes, verdict, exitCode]).toEqual([[], 'holds', 0]);
    const row = findings.find(({ observer }) => observer === 'c');
    expect(row).toMatchObject({ sent: 20, seen: 0, allowed: 'no', leak: false, upperBound95: 0.14 });
  });

  it('is a pure function of its evidence', () => {
    expect(JSON.stringify(judge(perfectRun()))).toBe(JSON.stringify(judge(perfectRun())));
  });
});

describe('two interfaces of one guest', () => {
  const own = withEndpoints(probing({}), ({ name }) => (name === 'a' || name === 'b' ? { owner: 'web' } : {}));

  it('hold where the one gets what the other sends it, and another guest gets nothing', () => {
    expect(judgedOf(own)).toMatchObject({ codes: [], verdict: 'holds' });
    expect(judgedOf(own, receives('c')).verdict).toBe('broken');
  });

  it('are not proved where it does not arrive', () => {
    expect(
      judgedOf(
        own,
        captures(({ observer, outgoing }) => observer !== 'b' || !outgoing),
      ).codes,
    ).toContain('delivery-short');
  });

  it('are no leak at each other where neither is asked for', () => {
    const elsewhere = probing({ class: 'unknown-unicast', to: null, maySee: ['lan'] });
    const flooded = withEndpoints(elsewhere, ({ name }) => (name === 'a' || name === 'b' ? { owner: 'web' } : {}));
    expect(judgedOf(flooded, receives('b')).leaks).toEqual([]);
  });
});

describe('a sender whose entry controls the bridge cannot get, as in a VLAN in which it has no address', () => {
  const unmet: Partial<ProbeEntry> = { class: 'unknown-unicast', to: null, maySee: ['b', 'lan'] };
  const unheard = (...probes: readonly Partial<ProbeEntry>[]) =>
    judgedOf(
      probing(...probes),
      captures(({ observer }) => observer !== 'br0'),
      counts('br0', { received: 0, dropped: 0, delivered: 0 }, 0),
    );

  it('holds where addressees got what it sent first and last', () => {
    expect(unheard({}, unmet, {})).toMatchObject({
      verdict: 'holds',
      steps: [{ reasons: [], entry: { sent: 3, seen: 0 } }],
    });
  });
  it.each([
    ['last', [{}, unmet]],
    ['first', [unmet, {}]],
    ['at all', [unmet]],
  ] as const)('is inconclusive where nobody had to see what it sent %s', (_, probes) => {
    expect(unheard(...probes).codes).toEqual(['entry-unproved']);
  });
});

describe('a leak', () => {
  it('is broken, and named with its first frame', () => {
    const evidence = changedRun(undefined, receives('c', 3));
    const frame = evidence.frames.length;
    expect(judgedRun(evidence)).toMatchObject({
      verdict: 'broken',
      exitCode: 2,
      leaks: [{ observer: 'c', seen: 1, firstSighting: { frame } }],
    });
  });

  it('is broken whatever else failed', () => {
    const evidence = changedRun(undefined, receives('c'), lacks('drained'), lacks('controls-sent'), finds(null));
    expect(judge(evidence, 1).verdict).toBe('broken');
  });

  it('counts each frame once, however often it is seen', () => {
    expect(judged(receives('c', 5), receives('c', 5), receives('c', 5)).leaks[0]?.seen).toBe(1);
  });

  it('is none on its way in: only what is handed to a guest counts', () => {
    expect(judged(sends('c', 5)).leaks).toEqual([]);
  });
});

describe('frames kept in memory because the disk was full', () => {
  it('a leak among them is broken, and named by its place in the timeline', () => {
    const result = judged(keeps('c', 3));
    expect(result).toMatchObject({
      verdict: 'broken',
      exitCode: 2,
      leaks: [{ firstSighting: { file: 'timeline.ndjson', frame: 1 } }],
    });
    expect(result.codes).toContain('evidence-incomplete');
  });

  it.each([
    ['1', '2', ['inconclusive', 'replayed']],
    ['2', '2', ['inconclusive', 'replayed']],
    ['3', '2', ['broken']],
  ])(
    'count in the order in which they came, whichever observer is listed first: %s, %s',
    (entering, overheard, said) => {
      // c, which was to get it, says it again; b overhears it
      const { verdict, codes } = judgedOf(
        probing({ to: ['c'] }),
        keeps('b', 3, { atNs: overheard }),
        keeps('c', 3, { towards: false, atNs: entering }),
      );
      expect([verdict, ...codes.filter((code) => code === 'replayed')]).toEqual(said);
    },
  );

  it('without a leak among them nothing is proved', () => {
    const result = judged(keeps('b', 3));
    expect(result).toMatchObject({ verdict: 'inconclusive', exitCode: 3 });
    expect(result.codes).toContain('evidence-incomplete');
  });
});

const isOfC = ({ observer }: { readonly observer: string }) => observer === 'c';

/** Every single thing that a *holds* rests on, and what takes it away. */
const pieces: Readonly<Record<string, Change>> = {
  'a control frame is missing': (evidence) => {
    const first = evidence.frames.findIndex((frame) => frame.outgoing);
    captures((_, at) => at !== first)(evidence);
  },
  'an observer never listened': lacks('listening', isOfC),
  'an observer began late': (evidence) => {
    const late = evidence.timeline.filter((entry) => entry.event === 'listening' && isOfC(entry));
    evidence.timeline = [...evidence.timeline.filter((entry) => !late.includes(entry)), ...late];
  },
  'controls were not sent': lacks('controls-sent', ({ phase }) => phase === 'after'),
  'a probe was not sent': records('sent', ({ accepted }) => ({ accepted: accepted - 1 })),
  'no probe was sent': lacks('sent'),
  'the wait was cut short': lacks('drained'),
  'the capture did not end': lacks('stopped'),
  'the step did not end': lacks('step-ended'),
  'frames were dropped': counts('c', { received: 100, dropped: 1, delivered: 99 }),
  'the counters have a gap': counts('c', { received: 100, dropped: 0, delivered: 99 }),
  'the state before is missing': finds(null, hostState()),
  'the state after is missing': finds(hostState(), null),
  'the wall clock was set': records('stopped', () => ({ atNs: '60000000000' })),
  "the probes did not show on the sender's port": captures(({ observer, outgoing }) => observer !== 'a' || outgoing),
  'the key is missing': runs({ key: null }),
  'the key is another': runs({ key: '11'.repeat(32) }),
  'the capture was never closed': (evidence) =>
    runs({ capture: { sha256: 'other', packets: evidence.frames.length } })(evidence),
  'a fault was told': logs({
    event: 'fault',
    fault: { code: 'interface-down', observers: ['c'], text: 'p2 went down' },
  }),
  'an addressee got too little': captures(
    ({ observer, outgoing }, at) => observer !== 'b' || !outgoing || at % 2 === 0,
  ),
};

describe('a holds with one piece of its proof taken away is inconclusive', () => {
  const packets = perfectRun().frames.length;
  it.each(Object.entries(pieces))('%s', (_, takeAway) => {
    const { verdict, exitCode, codes } = judgedRun(changedRun(undefined, takeAway), packets);
    expect([verdict, exitCode]).toEqual(['inconclusive', 3]);
    expect(codes.length).toBeGreaterThan(0);
  });

  it('any single frame', () => {
    fc.assert(
      fc.property(fc.nat(packets - 1), (index) => {
        const evidence = changedRun(
          undefined,
          captures((_, at) => at !== index),
        );
        expect(judge(evidence, packets).verdict).toBe('inconclusive');
      }),
    );
  });

  const atP2 =
    (change: (link: LinkState) => Partial<LinkState>) =>
    (link: LinkState): LinkState =>
      link.name === 'p2' ? { ...link, ...change(link) } : link;
  it.each<[string, (link: LinkState) => LinkState]>([
    ['ageing_time', (link) => (link.bridge === null ? link : { ...link, bridge: { ...link.bridge, ageing_time: 0 } })],
    ['flood', atP2(({ port }) => ({ port: { ...port, flood: false } }))],
    ['mtu', atP2(() => ({ mtu: 9000 }))],
    ['master', atP2(() => ({ master: null }))],
    ['ifindex', atP2(() => ({ ifindex: 77 }))],
    ['promiscuity', atP2(() => ({ promiscuity: 5 }))],
  ])('%s changed meanwhile', (_, change) => {
    const state = hostState();
    const { verdict, codes } = judged(finds(state, { ...state, links: state.links.map(change) }));
    expect(verdict).toBe('inconclusive');
    expect(codes).toContain('settings-changed');
  });
});

describe('order', () => {
  it('of the frames in the capture does not matter', () => {
    const whole = changedRun(undefined, receives('c', 2));
    const rows = (frames: typeof whole.frames) =>
      judgedRun({ ...whole, frames }).findings.map(({ observer, seen, leak }) => ({ observer, seen, leak }));
    const expected = rows(whole.frames);
    fc.assert(
      fc.property(fc.shuffledSubarray(whole.frames, { minLength: whole.frames.length }), (frames) => {
        expect(rows([...frames])).toEqual(expected);
      }),
    );
  });
});
