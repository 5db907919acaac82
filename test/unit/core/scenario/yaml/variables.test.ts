import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../../../../src/core/scenario/load-scenario.js';

const file = (vars: string, rest = 'count: "${count}"'): string => `version: 1
name: with \${who}
vars: { ${vars} }
topology: { bridges: { br0: {} }, endpoints: { a: { bridge: br0, port: p0 }, b: { bridge: br0, port: p1 }, c: { bridge: br0, port: p2 } } }
steps: [ { name: s, probe: [ { class: known-unicast, from: a, to: b, ${rest} } ] } ]
`;
const parse = (text: string, sets: Readonly<Record<string, string>> = {}): ReturnType<typeof parseScenario> =>
  parseScenario('f.yml', new TextEncoder().encode(text), { sets: new Map(Object.entries(sets)) });
const messages = (text: string, sets?: Readonly<Record<string, string>>): readonly string[] =>
  parse(text, sets).faults.map(({ line, message }) => `${line}: ${message}`);

describe('variables of a scenario', () => {
  it('stand for the file’s values, and a number stays one', () => {
    const { scenario, faults } = parse(file('count: 7, who: kali'));
    expect(faults).toEqual([]);
    expect([scenario?.name, scenario?.steps[0]?.probes[0]?.count, scenario?.variables]).toEqual([
      'with kali',
      7,
      { count: 7, who: 'kali' },
    ]);
  });

  it('are set from outside; what looks like a number is one unless the file’s value is text', () => {
    const { scenario } = parse(file('count: 7, who: kali'), { count: '12', who: '34' });
    expect([scenario?.name, scenario?.steps[0]?.probes[0]?.count, scenario?.variables]).toEqual([
      'with 34',
      12,
      { count: 12, who: '34' },
    ]);
  });

  it('without a value have to be set', () => {
    expect(messages(file('count: , who: x'))).toEqual(['3: vars.count has no value: --set count=… has to give one']);
    expect(parse(file('count: , who: x'), { count: '3' }).scenario?.steps[0]?.probes[0]?.count).toBe(3);
  });

  it.each([
    [
      'an unknown one used',
      file('count: 7, whom: x'),
      {},
      ['2: name: there is no variable "who"; did you mean "whom"?'],
    ],
    [
      'an unknown one set',
      file('count: 7, who: x'),
      { cuont: '1' },
      ['1: --set "cuont": the file’s "vars" have no such variable; did you mean "count"?'],
    ],
    [
      'a value that does not fit',
      file('count: 7, who: x'),
      { count: 'many' },
      ['5: steps[0].probe[0].count: expected a whole number from 1 to 10000000, got "many"'],
    ],
    ['a list', file('count: [1], who: x'), {}, ['3: vars.count: expected a single value, got a list']],
    [
      'a name with a blank',
      file('"co unt": 1, who: x', 'count: 1'),
      {},
      ['3: vars."co unt": expected a name of small letters, digits and "_", at most 31'],
    ],
  ])('tell %s', (_, text, sets, expected) => expect(messages(text, sets)).toEqual(expected));

  it('are not looked for where a file has none', () => {
    const text = file('', 'count: 1').replace('vars: {  }\n', '').replace('${who}', '${HOME} and $(id)');
    expect(parse(text).scenario?.name).toBe('with ${HOME} and $(id)');
  });

  it('bring no keys and no structure into the file', () => {
    const { scenario } = parse(file('count: 7, who: x'), { who: 'y, steps: []' });
    expect([scenario?.name, scenario?.steps.length]).toEqual(['with y, steps: []', 1]);
  });
});
