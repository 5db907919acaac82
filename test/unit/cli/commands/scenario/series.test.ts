import { describe, expect, it } from 'vitest';
import { grepSteps, inSeries, parseSets, strictly } from '../../../../../src/cli/commands/scenario/series.js';
import type { Scenario } from '../../../../../src/core/model/scenario.js';
import { loadScenario } from '../../../../../src/core/scenario/load-scenario.js';

const named = (name: string): Scenario =>
  loadScenario(
    `${name}.yml`,
    new TextEncoder().encode(`version: 1
name: ${name}
topology: { bridges: { br0: {} }, endpoints: { a: { bridge: br0, port: p0 }, b: { bridge: br0, port: p1 }, c: { bridge: br0, port: p2 } } }
steps:
  - { name: prepares ${name}, set: { br0: { ageing_time: 5s } }, probe: [ { class: known-unicast, from: a, to: b } ] }
  - { name: tests ${name}, probe: [ { class: known-unicast, from: b, to: a } ] }
`),
  );
const scenarios = ['one', 'two', 'three'].map(named);
const names = (list: readonly Scenario[]): readonly string[] => list.map(({ name }) => name);

describe('--grep', () => {
  it('judges only the steps that it fits; the others still change what they change', () => {
    const [only] = grepSteps(scenarios, '^tests two$');
    expect(only?.name).toBe('two');
    expect(only?.grep).toBe('^tests two$');
    expect(only?.steps.map(({ set, probes, expect: { expected } }) => [set.length, probes.length, expected])).toEqual([
      [1, 0, null],
      [0, 1, 'holds'],
    ]);
  });

  it('refuses what fits no step, and what is no regular expression', () => {
    expect(() => grepSteps(scenarios, 'nothing')).toThrow(/no step has such a name/);
    expect(() => grepSteps(scenarios, '(')).toThrow(/--grep: /);
  });
});

describe('--repeat and --shuffle', () => {
  it('number of runs per file, in an order that the seed alone decides', () => {
    expect(names(inSeries(scenarios, 2, null))).toEqual(['one', 'two', 'three', 'one', 'two', 'three']);
    const shuffled = Array.from({ length: 20 }, (_, seed) => names(inSeries(scenarios, 2, seed)).join(' '));
    expect(shuffled).toEqual(Array.from({ length: 20 }, (_, seed) => names(inSeries(scenarios, 2, seed)).join(' ')));
    expect(new Set(shuffled).size).toBeGreaterThan(10);
    for (const order of shuffled)
      expect(order.split(' ').sort()).toEqual(['one', 'one', 'three', 'three', 'two', 'two']);
  });
});

describe('--set', () => {
  it('takes everything behind the first = as the value, and the last one of a name', () => {
    expect([...parseSets(['a=1', 'b=x=y', 'a='])]).toEqual([
      ['a', ''],
      ['b', 'x=y'],
    ]);
    expect(() => parseSets(['=1'])).toThrow(/expected NAME=VALUE/);
    expect(() => parseSets(['a'])).toThrow(/expected NAME=VALUE/);
  });
});

describe('--strict', () => {
  it('takes what is open by design for a leak, also at an addressee that must see it', () => {
    const scenario = loadScenario(
      'open.yml',
      new TextEncoder().encode(`version: 1
name: open
topology: { bridges: { br0: {} }, endpoints: { a: { bridge: br0, port: p0 }, b: { bridge: br0, port: p1 }, c: { bridge: br0, port: p2 } } }
steps:
  - name: one
    probe:
      - { class: known-unicast, from: a, to: b, open_by_design: [ a, b ] }
      - { class: known-unicast, from: b, to: a }
      - { class: broadcast, from: a, may_see: [], open_by_design: [ b ] }
`),
    );
    const probes = strictly(scenario).steps[0]?.probes ?? [];
    expect(probes.map(({ openByDesign, maySee, mustSee }) => [openByDesign, maySee, mustSee])).toEqual([
      [undefined, [], []],
      [undefined, null, null],
      [undefined, [], null],
    ]);
  });
});
