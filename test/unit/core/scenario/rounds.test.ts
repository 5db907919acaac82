import { describe, expect, it } from 'vitest';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { loadScenario } from '../../../../src/core/scenario/load-scenario.js';
import { roundPairs } from '../../../../src/core/scenario/steps/pairs.js';

const text = (from: readonly string[], to: readonly string[], first: number, last: number | null): readonly string[] =>
  [...roundPairs(from, to, { first, last })].map(([sender, addressee]) => `${sender}${addressee}`);

const scenario = (probe: string): Buffer =>
  Buffer.from(
    `version: 1\nname: t\ntopology:\n  provider: lab\n  bridges: { br0: {} }\n  endpoints:\n${['a', 'b', 'c', 'd'].map((name, at) => `    ${name}: { bridge: br0, port: p${at} }\n`).join('')}steps:\n  - name: s\n    probe: ${probe}\n`,
  );

describe('rounds', () => {
  it.each([
    [['a', 'b', 'c'], ['a', 'b', 'c'], 1, 1, ['ab', 'bc', 'ca']],
    [['a', 'b', 'c'], ['a', 'b', 'c'], 2, null, ['ac', 'ba', 'cb']],
    [['a', 'b'], ['x', 'y', 'z'], 1, 1, ['ax', 'by']],
  ])(
    'have each sender once, each addressee once, and nobody sends to itself: case %#',
    (from, to, first, last, expected) => expect(text(from, to, first, last)).toEqual(expected),
  );

  it('cover every ordered pair once, all together', () => {
    const names = Array.from({ length: 9 }, (_, at) => String.fromCharCode(97 + at));
    const pairs = text(names, names, 1, null);
    expect([pairs.length, new Set(pairs).size]).toEqual([72, 72]);
    // Some of the senders alone are addressees
    const mixed = text(['a', 'x', 'b'], ['a', 'b', 'c'], 1, null);
    expect([mixed.length, new Set(mixed).size]).toEqual([7, 7]);
  });

  it('stand in a scenario as a number or as a range, and the plan sends them in their order', () => {
    const probe = '{ class: known-unicast, from: "*", to: "*", rounds: "2-", count: 1, carriers: raw }';
    const plan = makePlan(loadScenario('t', scenario(probe)), { runTag: 1, keySha256: '' });
    expect([...(plan.steps[0]?.flows ?? [])].map(({ from, to }) => `${from}${to ?? ''}`)).toEqual([
      ...['ac', 'bd', 'ca', 'db'],
      ...['ad', 'ba', 'cb', 'dc'],
    ]);
  });

  it.each([
    ['{ class: broadcast, from: a, rounds: 1 }', 'expected "to" beside it'],
    ['{ class: known-unicast, from: a, to: b, both_ways: on, rounds: 1 }', 'no "both_ways"'],
    ['{ class: known-unicast, from: a, to: b, rounds: "3-2" }', 'expected the last round not before the first'],
    ['{ class: known-unicast, from: a, to: b, rounds: 0 }', 'expected a whole number from 1'],
    ['{ class: known-unicast, from: a, to: b, rounds: 2 }', 'sends to nobody'],
  ])('are refused where they mean nothing: %s', (probe, message) => {
    expect(() => loadScenario('t', scenario(probe))).toThrow(message);
  });
});
