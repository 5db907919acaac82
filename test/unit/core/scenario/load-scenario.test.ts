import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../../../src/core/scenario/load-scenario.js';
import { scenarioJsonSchema } from '../../../../src/core/scenario/schema/json-schema.js';

const lines = [
  'version: 1',
  'name: x',
  'topology:',
  '  bridges: { br0: {} }',
  '  endpoints:',
  '    a: { bridge: br0, port: p1 }',
  '    b: { bridge: br0, port: p2 }',
  '    c: { bridge: br0, port: p3 }',
  'steps:',
  '  - name: s',
  '    probe: [ { class: known-unicast, from: a, to: b } ]',
];
const good = lines.join('\n');
const at = (line: number, text: string): string =>
  lines.map((each, index) => (index === line - 1 ? text : each)).join('\n');
const places = (text: string): readonly string[] =>
  parseScenario('f.yml', new TextEncoder().encode(text)).faults.map(({ line, col }) => `${line}:${col}`);

describe('a scenario', () => {
  it('loads when nothing is wrong with it', () => expect(places(good)).toEqual([]));

  it.each(['holds', 'private', 'isolated'])('that expects %s expects that it holds', (word) => {
    const { scenario } = parseScenario('f.yml', new TextEncoder().encode(`${good}\n    expect: ${word}`));
    const bare = parseScenario('f.yml', new TextEncoder().encode(good)).scenario;
    expect(scenario?.steps[0]?.expect).toEqual(bare?.steps[0]?.expect);
    expect(scenario?.steps[0]?.expect.expected).toBe('holds');
  });

  it('says what can carry frames past the ears and is trusted, and until when', () => {
    const trust = (until: string): string =>
      `${good}\n    trust: [ { what: packet socket of suricata, where: p3, reason: IDS, owner: ops, until: ${until} } ]`;
    const { scenario } = parseScenario('f.yml', new TextEncoder().encode(trust('2027-01-31')));
    expect(scenario?.steps[0]?.trust).toEqual([
      {
        what: 'packet socket of suricata',
        where: 'p3',
        reason: 'IDS',
        owner: 'ops',
        ticket: null,
        until: '2027-01-31',
      },
    ]);
    expect(places(trust('2027-02-30'))).toEqual(['12:92']);
  });

  it.each([
    ['an empty file', '', '1:1'],
    ['%YAML 1.1', `%YAML 1.1\n---\n${good}`, '1:1'],
    ['a tag', at(2, 'name: !x y'), '2:7'],
    ['a second document', `${good}\n---\na: 1\n`, '12:1'],
    ['a file of 2 MiB', 'a'.repeat(2 * 1024 * 1024), '1:1'],
    ['deep nesting', '['.repeat(100_000), '1:32'],
    ['an unknown key', at(2, 'name: x\nnmae: y'), '3:1'],
    ['a bad MAC', at(6, '    a: { bridge: br0, port: p1, mac: zz }'), '6:38'],
    ['a group MAC', at(6, '    a: { bridge: br0, port: p1, mac: "01:00:00:00:00:01" }'), '6:38'],
    ['a repeated key', at(7, '    a: { bridge: br0, port: p2 }'), '7:5'],
    ['two endpoints on one port', at(7, '    b: { bridge: br0, port: p1 }'), '7:29'],
    ['an unknown bridge', at(7, '    b: { bridge: br1, port: p2 }'), '7:18'],
    ['an unknown endpoint in a probe', at(11, '    probe: [ { class: known-unicast, from: a, to: bb } ]'), '11:51'],
    ['a count of 0', at(11, '    probe: [ { class: known-unicast, from: a, to: b, count: 0 } ]'), '11:61'],
    ['no probe', at(11, '    probe: []'), '11:12'],
    ['a probe that forbids nobody', at(11, '    probe: [ { class: broadcast, from: a } ]'), '11:14'],
    [
      'a probe that only endpoints of its sender could overhear',
      at(6, '    a: { bridge: br0, port: p1, owner: o }').replace('port: p3', 'port: p3, owner: o'),
      '11:14',
    ],
    ['a probe that only a tunnel could overhear', good.replace('port: p3', 'port: p3, tunnel: { vni: 7 }'), '11:14'],
    ['a bidirectional character in a name', at(2, 'name: "x\\u202e"'), '2:7'],
    ['an escape sequence in a name', at(2, 'name: "x\\e[31m"'), '2:7'],
    ['a line break in a name', at(2, 'name: "x\\ny"'), '2:7'],
    ['an endpoint whose name is a path', at(8, '    ../c: { bridge: br0, port: p3 }'), '8:5'],
  ])('has a fault at its place for %s', (_, text, place) => expect(places(text)).toEqual([place]));

  it('tells faults of different places at once', () => {
    expect(places(at(6, '    a: { bridge: br1, port: p1 }').replace('to: b', 'too: b'))).toEqual([
      '6:18',
      '11:14',
      '11:47',
    ]);
  });

  it('that expands without end is refused within bounds of time and memory', () => {
    const bomb = [
      'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
      ...Array.from(
        { length: 30 },
        (_, n) => `a${n + 1}: &a${n + 1} [${Array.from({ length: 10 }, () => `*a${n}`).join(', ')}]`,
      ),
    ].join('\n');
    const [began, used] = [performance.now(), process.memoryUsage().rss];
    const { faults } = parseScenario('f.yml', new TextEncoder().encode(bomb));
    expect(faults.map(({ message }) => message).join()).toMatch(/alias/);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(process.memoryUsage().rss - used).toBeLessThan(200 * 1024 * 1024);
  });

  it('whose policy would make steps without end is refused within bounds of time and memory', () => {
    const zoned = Array.from(
      { length: 1500 },
      (_, index) => `    e${index}: { bridge: br${index >> 9}, port: p${index}, zone: z${index} }`,
    );
    const entries = Array.from({ length: 300 }, () => '  - { from: "zone:*", to: "zone:*", expect: separated }');
    const text = [
      'version: 1',
      'name: t',
      'topology:',
      '  provider: lab',
      '  bridges: { br0: {}, br1: {}, br2: {} }',
      '  endpoints:',
      ...zoned,
      'policy:',
      ...entries,
    ].join('\n');
    const used = process.memoryUsage().rss;
    const { faults } = parseScenario('f.yml', new TextEncoder().encode(text));
    expect(faults.map(({ message }) => message)).toEqual([
      `policy[0]: makes ${1500 * 1499} steps, expected at most 1000 in all`,
    ]);
    expect(process.memoryUsage().rss - used).toBeLessThan(200 * 1024 * 1024);
  });

  it.each([
    ['directives', '%A\n'.repeat(100_000)],
    ['tags', `[${'!x a,'.repeat(40_000)}]`],
  ])('with nothing but faults (%s) tells a thousand of them', (_, text) => {
    expect(parseScenario('f.yml', new TextEncoder().encode(text)).faults.length).toBe(1000);
  });

  it('is described by the JSON Schema that is shipped', () => {
    expect(readFileSync(new URL('../../../../schema/scenario.v1.json', import.meta.url), 'utf8')).toBe(
      scenarioJsonSchema(),
    );
  });
});
