import { describe, expect, it } from 'vitest';
import {
  compareResults,
  statusAgainst,
  statusOfComparison,
  unprovenSteps,
} from '../../../src/report/compare-results.js';
import type { Result, StepResult } from '../../../src/core/model/result.js';
import { leakText } from '../../../src/report/reported-leaks.js';
import { comparisonText } from '../../../src/report/terminal/comparison.js';
import { findings, result, step } from '../../support/report/fixture.js';

const run = (at: Readonly<Record<string, number>>, change: Parameters<typeof step>[1] = {}): Result => {
  const leaks = Object.values(at).some((seen) => seen > 0);
  return result(
    [
      step('gate', {
        verdict: leaks ? 'broken' : 'holds',
        asExpected: !leaks,
        findings: findings('kali2', 'lan', 'raw', { lan: 100, ...at }),
        ...change,
      }),
    ],
    { exitCode: leaks ? 2 : 0 },
  );
};
const silent = run({ kali3: 0, winxp: 0 });
const leaking = run({ kali3: 7, winxp: 0 });
/** Leaks of as many pairs, which have rows together. */
const folded = (...counts: readonly number[]): Result =>
  run({ kali3: 5 }, { findings: counts.flatMap((grouped) => findings('*', '*', 'raw', { kali3: 5 }, { grouped })) });
const doubtful = run(
  { kali3: 0, winxp: 0 },
  {
    verdict: 'inconclusive',
    asExpected: false,
    reasons: [{ code: 'control-missing', observer: 'kali3', text: 'deaf' }],
  },
);

describe('compareResults', () => {
  it('tells what began to leak and what stopped', () => {
    expect(compareResults(silent, leaking).began.map(({ finding }) => finding.observer)).toEqual(['kali3']);
    expect(compareResults(leaking, silent).stopped.map(({ finding }) => finding.observer)).toEqual(['kali3']);
    expect(compareResults(leaking, leaking)).toMatchObject({ began: [], stopped: [], untold: [], verdicts: [] });
  });

  it('never calls a leak stopped where the later run does not prove it', () => {
    expect(compareResults(leaking, doubtful)).toMatchObject({ stopped: [], untold: [{ step: 'gate' }] });
    expect(compareResults(leaking, result([])).stopped).toEqual([]);
  });

  const accepted = { reason: 'known', owner: null, ticket: null, until: null };
  it.each([
    ['accepted', findings('kali2', 'lan', 'raw', { kali3: 7 }, { accepted })],
    ['accepted among others', findings('*', '*', 'raw', { kali3: 7 }, { accepted, grouped: 5 })],
    ['open by design', findings('kali2', 'lan', 'raw', { kali3: 7 }, { leak: false, exposed: true })],
  ])('never calls a leak stopped that is %s now', (_, rows) => {
    const now = run({}, { findings: rows });
    const comparison = compareResults(leaking, now);
    expect(comparison).toMatchObject({ began: [], stopped: [], untold: [{ step: 'gate' }] });
    expect(statusOfComparison(leaking, now, comparison)).toBe(3);
  });

  it('says so in words', () => {
    const text = comparisonText(
      [silent, leaking],
      compareResults(silent, leaking),
      [{ step: 'gate', differences: [{ place: 'br0.ageing_time', before: '3000', after: '0' }] }],
      100,
      (each) => each,
    );
    expect(text).toContain('Began to leak (1)\n  gate: kali2 to lan (known-unicast, raw) overheard by kali3: 7 of 100');
    expect(text).toContain('What was changed\n  br0.ageing_time 30 s → 0\n');
  });

  it('says how many leaks a setting began or ended, and tells no rule of tc as JSON', () => {
    const hub = run({ kali3: 7, winxp: 9 });
    const causes = [{ code: 'ageing-zero', place: 'br0.ageing_time', value: '0', text: '', fix: '' } as const];
    const because = {
      ...hub,
      steps: hub.steps.map((each) => ({ ...each, findings: each.findings.map((row) => ({ ...row, causes })) })),
    };
    const settings = (...values: readonly [string, string]) => [
      {
        step: 'gate',
        differences: [
          { place: 'tc', before: '[{"kind":"a"}]', after: '[]' },
          { place: 'br0.ageing_time', before: values[0], after: values[1] },
        ],
      },
    ];
    const reported = (first: Result, second: Result, ...values: readonly [string, string]): string =>
      comparisonText([first, second], compareResults(first, second), settings(...values), 100, (each) => each);
    expect(reported(silent, because, '30000', '0')).toContain(
      'What was changed\n  br0.ageing_time 300 s → 0; 2 leaks began because of it\n  the rules of tc changed (--json has them)\n',
    );
    expect(reported(because, silent, '0', '30000')).toContain('br0.ageing_time 0 → 300 s; 2 leaks ended with it');
    expect(reported(silent, because, '30000', '0')).not.toContain('kind');
  });
});

describe('leaks that have no rows of their own', () => {
  const text = (first: Result, second: Result): string =>
    comparisonText([first, second], compareResults(first, second), [], 100, (each) => each);

  it('are reported as what cannot be compared, with their numbers', () => {
    expect(compareResults(folded(4, 6), folded(39_000, 601))).toMatchObject({
      began: [],
      stopped: [],
      folded: [{ step: 'gate', before: 10, after: 39_601 }],
    });
    expect(text(folded(4, 6), folded(39_000, 601)).replaceAll(/\s+/g, ' ')).toContain(
      'Not comparable pair by pair, ask for fewer pairs a step (1) gate: * to * (known-unicast, raw) overheard by kali3: 39,601 leaks, 10 before',
    );
    expect(text(folded(7), folded(7))).not.toContain('no difference');
    expect(text(leaking, leaking)).toContain('no difference');
  });

  it('are counted where they are new', () => {
    const { began, folded: beside } = compareResults(silent, folded(4, 6));
    expect([began.length, beside]).toEqual([2, []]);
    expect(text(silent, folded(4, 6))).toContain('Began to leak (10)');
    expect(text(silent, folded(6))).toContain('overheard by kali3: 5 of 100 (6 rows)');
  });

  it('may be those that had rows of their own: these are not proven to have stopped', () => {
    expect(compareResults(leaking, folded(7))).toMatchObject({ stopped: [], untold: [{ step: 'gate' }] });
  });
});

describe('statusOfComparison', () => {
  it.each([
    [silent, silent, 0],
    [leaking, leaking, 0],
    [silent, leaking, 2],
    [silent, folded(5), 2],
    [silent, doubtful, 3],
    [leaking, doubtful, 3],
    [folded(10), folded(39_601), 3],
    [folded(10), folded(10), 3],
    [folded(10), silent, 0],
  ])('of case %# goes with what is known', (first, second, status) =>
    expect(statusOfComparison(first, second, compareResults(first, second))).toBe(status),
  );

  it.each([
    [folded(10), folded(39_601)],
    [silent, folded(5)],
    [leaking, leaking],
  ])('is that of --baseline, case %#', (first, second) =>
    expect(statusOfComparison(first, second, compareResults(first, second))).toBe(statusAgainst(first, second)),
  );
});

describe('unprovenSteps', () => {
  it.each([
    ['held again', silent, silent, []],
    ['is in doubt', silent, doubtful, ['gate']],
    ['has no verdict', silent, run({ kali3: 0 }, { verdict: null }), ['gate']],
    ['is missing', silent, result([]), ['gate']],
    ['leaks', silent, leaking, []],
    ['was in doubt and is missing', doubtful, result([]), []],
  ])('names steps that held and are not proven now: one that %s', (_, first, second, steps) =>
    expect(unprovenSteps(first, second)).toEqual(steps),
  );
});

describe('statusAgainst', () => {
  const ids = { claim: 'ids sees all', probe: 0, outcome: 'short' } as const;
  const blind = (...unmet: readonly NonNullable<StepResult['unmet']>[number][]): Result =>
    run({ kali3: 7, winxp: 0 }, { unmet });

  it.each([
    ['fails now', leaking, blind(ids), 4],
    ['failed before', blind(ids), blind(ids), 0],
    ['fails beside one that failed before', blind(ids), blind(ids, { ...ids, probe: 1 }), 4],
    ['fails otherwise', blind(ids), blind({ ...ids, outcome: 'beyond' }), 4],
  ])(
    'is 4 where a claim came true in the baseline, though every leak is known: one that %s',
    (_, first, second, status) => expect(statusAgainst(first, second)).toBe(status),
  );

  it.each([
    ['the same leak', leaking, leaking, 0],
    ['a leak', silent, leaking, 2],
    ['a further observer', leaking, run({ kali3: 7, winxp: 1 }), 2],
  ])('fails only on what the baseline has not: %s', (_, first, second, status) =>
    expect(statusAgainst(first, second)).toBe(status),
  );

  const variants = (...names: readonly string[]): Result => {
    const rows = findings('kali2', null, 'raw', { kali3: 5 });
    return run(
      { kali3: 5 },
      { findings: names.flatMap((variant) => rows.map((row) => ({ ...row, class: 'link-local-multicast', variant }))) },
    );
  };

  it('distinguishes the kinds of frame of one class', () => {
    expect(statusAgainst(variants('cdp'), variants('cdp'))).toBe(0);
    expect(statusAgainst(variants('cdp'), variants('cdp', 'llc-snap'))).toBe(2);
    expect(statusAgainst(variants('cdp', 'llc-snap'), variants('llc-snap'))).toBe(0);
    expect(
      compareResults(variants('cdp'), variants('llc-snap', 'cdp')).began.map(({ finding }) => leakText(finding)),
    ).toEqual(['kali2 to all (link-local-multicast, raw, llc-snap) overheard by kali3: 5 of 100']);
  });

  it('is 3 where leaks have no rows of their own: which they are is not known', () => {
    expect(statusAgainst(folded(400), folded(400))).toBe(3);
    expect(statusAgainst(folded(400), leaking)).toBe(2);
  });

  const doubtfulBeside = doubtful.steps.map((each) => ({ ...each, name: 'other' }));
  const deaf = { code: 'control-missing', observer: 'winxp', text: 'deaf' } as const;
  it.each([
    ['a run in doubt', { ...doubtful, exitCode: 3 }, 3],
    ['a further step in doubt', { ...leaking, steps: [...leaking.steps, ...doubtfulBeside] }, 3],
    ['a run that is not as expected', { ...leaking, exitCode: 4 }, 4],
    ['a reason beside the leak', run({ kali3: 7, winxp: 0 }, { reasons: [deaf] }), 3],
    ['a leak that is expected', run({ kali3: 7, winxp: 0 }, { expected: 'broken' }), 4],
  ])('never turns what is inconclusive or not as expected into a pass: %s', (_, now, status) =>
    expect(statusAgainst(leaking, now)).toBe(status),
  );
});
