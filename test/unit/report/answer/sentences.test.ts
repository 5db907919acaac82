import type { ReasonCode } from '../../../../src/core/model/reasons.js';
import { describe, expect, it } from 'vitest';
import { answerOf, reasonStories, standaloneSentence } from '../../../../src/report/answer/answer.js';
import { doubtfulStep, findings, leakingStep, result, step } from '../../../support/report/fixture.js';
import type { Finding, LeakGroup } from '../../../../src/core/model/result.js';
import { whoText } from '../../../../src/report/answer/participants.js';
import { claimSentence, plainSentence } from '../../../../src/report/answer/sections.js';
import { countText, firstLines, listText, setText, someText, stepsText } from '../../../../src/core/text/names.js';

describe('a number', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1700, '1,700'],
    [7_880_400, '7,880,400'],
  ])('%i is written as %s', (count, text) => expect(countText(count)).toBe(text));
});

describe('a set of names', () => {
  const numbered = (stem: string, first: number, last: number): string[] =>
    Array.from({ length: last - first + 1 }, (_, at) => `${stem}${first + at}`);
  it.each([
    [[], ''],
    [['a'], 'a'],
    [['a', 'b'], 'a and b'],
    [['a', 'b', 'c', 'd'], 'a, b, c and d'],
    [numbered('g', 1, 50), 'g1 to g50 (50)'],
    [[...numbered('g', 9, 12), 'lan'], 'g9 to g12 and lan (5)'],
    [[...numbered('g', 1, 3), ...numbered('g', 7, 9)], 'g1 to g3 and g7 to g9 (6)'],
    [['web', 'db', 'mail', 'dns', 'ldap'], 'web, db, mail and 2 more'],
    [['g01', 'g02', 'g03', 'g04', 'g05'], 'g01 to g05 (5)'],
    [['g08', 'g09', 'g10', 'g11', 'g12'], 'g08, g09 and g10 to g12 (5)'],
  ] as const)('%j is told as %s', (names, text) => expect(setText(names)).toBe(text));

  it('may be joined by another word', () => expect(listText(['a', 'b', 'c'], 'or')).toBe('a, b or c'));
});

describe('steps', () => {
  it.each([
    [[0], 'step 1'],
    [[2, 3], 'steps 3 and 4'],
    [[0, 1, 2, 5], 'steps 1 to 3, 6'],
    [[0, 2, 4, 6, 8], '5 steps'],
  ])('%j are told as %s', (steps, text) => expect(stepsText(steps)).toBe(text));
});

describe('who hears whom', () => {
  const audience = { noun: 'guests', names: new Set(['alice', 'bob', 'carol', 'dan', 'eve']) };
  const who = (
    from: readonly string[],
    to: readonly (string | null)[],
    observers: readonly string[],
    ...classes: readonly string[]
  ): string => {
    const group: LeakGroup = {
      cause: 'ageing-zero',
      from,
      to,
      observers,
      classes,
      carriers: ['raw'],
      rows: 1,
      sent: 2000,
      seen: 1000,
      firstSighting: null,
      causes: [],
    };
    return whoText(group, audience);
  };

  it('names what was sent to whom, and who received it', () => {
    expect(who(['alice'], ['bob'], ['carol'], 'known-unicast')).toBe(
      'carol receives traffic from alice for bob (1,000 of 2,000 frames)',
    );
    expect(who(['alice', 'bob'], ['bob', 'alice'], ['carol'], 'known-unicast')).toMatch(
      /^carol receives traffic between alice and bob/,
    );
    expect(who([...audience.names], [...audience.names], [...audience.names], 'known-unicast')).toMatch(
      /^5 of 5 guests receive each other's traffic/,
    );
  });

  it('says of those that send to some of themselves, and to all, that they do', () => {
    expect(who(['alice', 'bob', 'carol'], ['bob', 'alice', null], ['eve'], 'known-unicast', 'broadcast')).toMatch(
      /^eve receives traffic between alice, bob and carol, and for all \(/,
    );
  });

  it('does not say that an addressee receives what is sent to it, where it is to receive nothing', () => {
    expect(who(['alice'], ['bob'], ['bob'], 'known-unicast')).toBe('alice reaches bob (1,000 of 2,000 frames)');
    expect(who(['alice', 'eve'], ['bob', 'dan'], ['dan', 'bob'], 'known-unicast')).toMatch(
      /^alice and eve reach dan and bob \(/,
    );
  });

  it.each([
    ['unknown-unicast', 'a MAC that no guest has'],
    ['multicast', 'a multicast group'],
    ['broadcast', 'all'],
  ])('calls those whom frames of %s are for by what they are', (name, text) =>
    expect(who(['alice'], [null], ['bob'], name)).toMatch(`bob receives traffic from alice for ${text} (`),
  );

  it.each([
    ['ip-spoof', 'packets with a forged source address'],
    ['arp-spoof', 'forged ARP'],
    ['routed-bounce', 'packets by way of the host'],
  ])('calls what no guest may send (%s) by its name, whether its victim was addressed or not', (name, text) => {
    expect(who(['alice'], ['bob'], ['bob'], name)).toBe(`bob receives ${text} from alice (1,000 of 2,000 frames)`);
    expect(who(['alice', 'bob'], ['bob', 'alice'], ['alice', 'bob'], name)).toMatch(`receive ${text} from each other`);
    expect(who(['alice'], ['bob'], ['carol'], name, 'mac-spoof')).toMatch(
      `carol receives ${text} and frames with a forged source MAC from alice`,
    );
    expect(who(['alice'], ['bob'], ['carol'], name, 'broadcast')).toMatch('carol receives traffic from alice for bob');
  });
});

describe('a sentence without a word before it', () => {
  it.each([
    ['as expected, kali3 receives it', 'As expected, kali3 receives it.'],
    ['none of 3 guests received any', 'None of 3 guests received any.'],
    ['kali3 receives traffic from kali2 for lan', 'kali3 receives traffic from kali2 for lan.'],
    ['astrid receives it', 'astrid receives it.'],
  ])('%s begins as a sentence, but for a name', (sentence, text) =>
    expect(standaloneSentence({ sentence })).toBe(text),
  );
});

describe('why nothing is proven', () => {
  it('names the port that was not observed, why, and what to do', () => {
    const reasons = [{ code: 'coverage-partial' as const, observer: null, text: 'not observed: tap9, patch0' }];
    const run = result([step('one', { verdict: 'inconclusive', reasons })]);
    const unobserved = [
      { port: 'tap9', reason: 'tc at p0 ingress carries frames there' },
      { port: 'patch0', reason: 'it is a patch port' },
    ];
    const hint = (ports: typeof unobserved): string | undefined =>
      reasonStories({ ...run, coverage: { ...run.coverage, unobserved: ports } })[0]?.hint;
    expect(hint(unobserved)).toBe(
      'tap9 was not observed (tc at p0 ingress carries frames there), nor was 1 more. End that, list it as an endpoint, or say why no observer listens there with `scope: { partial: … }`.',
    );
    expect(hint(unobserved.slice(0, 1))).toMatch(/^tap9 was not observed \(tc at p0 ingress carries frames there\)\. /);
    expect(hint([])).toMatch(/^Not every port/);
  });

  it('begins with what brought the rest about, and ends with what was brought about', () => {
    const reason = (code: ReasonCode) => ({ code, observer: null, text: code });
    const steps = [
      step('one', { verdict: 'inconclusive', reasons: [reason('coverage-partial'), reason('interrupted')] }),
      step('two', {
        verdict: 'inconclusive',
        reasons: [reason('coverage-partial'), reason('not-run'), reason('frames-dropped')],
      }),
    ];
    expect(reasonStories(result(steps)).map(({ code }) => code)).toEqual([
      'interrupted',
      'frames-dropped',
      'coverage-partial',
      'not-run',
    ]);
  });

  it('names a full disk before the captures that were never closed for it, and each damage has a way on', () => {
    const reason = (code: ReasonCode) => ({ code, observer: null, text: code });
    const never = step('one', { verdict: 'inconclusive', reasons: [reason('evidence-incomplete')] });
    const full = step('two', {
      verdict: 'inconclusive',
      reasons: [reason('evidence-incomplete'), reason('file-failed'), reason('capture-damaged')],
    });
    const stories = reasonStories(result([never, full]));
    expect(stories.map(({ code }) => code)).toEqual(['file-failed', 'evidence-incomplete', 'capture-damaged']);
    for (const { hint } of stories) expect(hint).toMatch(/repeat/i);
  });
});

describe('the answer of a run that holds but for what is accepted', () => {
  const row = (over: object): Finding => ({
    probe: 0,
    class: 'known-unicast',
    carrier: 'raw',
    vlan: [],
    from: 'a',
    to: 'b',
    observer: 'c',
    sent: 400,
    seen: 0,
    allowed: 'no',
    leak: false,
    upperBound95: null,
    direction: 'known',
    firstSighting: null,
    causes: [],
    ...over,
  });
  const sentence = (findings: readonly Finding[]): string =>
    answerOf({
      result: {
        ...result([step('one', { verdict: 'holds', asExpected: true, findings })]),
        verdict: 'holds',
        exitCode: 0,
      },
      dir: null,
      details: null,
    }).sentence;

  it('says what somebody received', () => {
    const accepted = { reason: 'x', owner: null, ticket: null, until: null };
    expect(sentence([row({ seen: 400, leak: true, accepted }), row({ observer: 'd' })])).toMatch(
      /^none of 2 endpoints received any of 400 frames not meant for it, but for what is accepted: c receives traffic from a for b \(400 of 400 frames\)\. All could hear/,
    );
  });

  it('is as before where nothing is', () => {
    expect(sentence([row({})])).toMatch(/not meant for it\. All could hear/);
  });
});

describe('a list that is cut', () => {
  it('says how many more there are', () => {
    expect(someText(['a', 'b', 'c'], 3)).toBe('a, b, c');
    expect(someText(['a', 'b', 'c'], 2)).toBe('a, b and 1 more');
    expect(someText(['a'], 2, 1200)).toBe('a and 1,200 more');
    expect(firstLines(['a', 'b', 'c'], 2, (more) => `${more} more`)).toEqual(['a', 'b', '1 more']);
    expect(firstLines(['a'], 2, () => '')).toEqual(['a']);
  });
});

describe('a claim, for who was not there', () => {
  const rows = findings('kali2', 'lan', 'raw', { lan: 100, kali3: 0, winxp: 0 });
  const leaking = findings('kali2', 'lan', 'raw', { lan: 100, kali3: 7, winxp: 7 });
  const accepted = { reason: 'x', owner: null, ticket: null, until: null };

  it('says in the page what is accepted', () => {
    const step_ = step('gate', { findings: leaking.map((row) => ({ ...row, accepted })) });
    expect(plainSentence(result([step_], { verdict: 'holds' }))).toBe(
      'No endpoint received frames meant for another, but for what is accepted, and every observer could have captured them.',
    );
  });

  it.each([
    [
      step('round 1', { findings: rows }),
      'None of 100 frames (known-unicast) from kali2 reached an endpoint that must not receive them.',
    ],
    [leakingStep('round 1'), 'Some frames (known-unicast) from kali2 reached kali3, which must not receive them.'],
    [
      { ...doubtfulStep('round 1', 'control-missing', 'kali3', ''), findings: rows },
      'It is not known if frames (known-unicast) from kali2 reached an endpoint that must not receive them.',
    ],
    [
      step('round 1', { findings: leaking.map((row) => ({ ...row, accepted })) }),
      'Some frames (known-unicast) from kali2 reached kali3 and winxp (accepted), which must not receive them.',
    ],
    [
      leakingStep(
        'round 1',
        leaking.map((row) => (row.observer === 'winxp' ? { ...row, accepted } : row)),
      ),
      'Some frames (known-unicast) from kali2 reached kali3, and winxp (accepted), which must not receive them.',
    ],
    [
      { ...leakingStep('round 1'), findings: leaking.map((row) => ({ ...row, accepted })) },
      'Some frames (known-unicast) from kali2 reached kali3 and winxp (accepted), which must not receive them.',
    ],
    [step('settings', { verdict: null, expected: null }), null],
  ])('%# is a sentence', (judged, text) => expect(claimSentence(judged)).toBe(text));
});
