import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../../../../src/core/scenario/load-scenario.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const topology =
  'bridges: { br0: {}, br1: {} }\nendpoints:\n  a: { bridge: br0, port: p0 }\n  b: { bridge: br0, port: p1 }\n  c: { bridge: br1, port: p2 }\n';
const steps =
  '- { name: first, probe: [ { class: known-unicast, from: a, to: b } ] }\n- { name: second, probe: [ { class: known-unicast, from: b, to: a } ] }\n';

/** What the scenario comes to beside these files; paths are as the program asks for them. */
function parse(text: string, files: Readonly<Record<string, string>>): ReturnType<typeof parseScenario> {
  return parseScenario('dir/s.yml', bytes(text), {
    readFile: (path) => (path in files ? bytes(files[path] ?? '') : 'no such file'),
  });
}
const places = (text: string, files: Readonly<Record<string, string>>): readonly string[] =>
  parse(text, files).faults.map(({ file, line, col, message }) => `${file ?? 's.yml'}:${line}:${col}: ${message}`);

const whole =
  'version: 1\nname: x\ntopology: { include: t.yml, bridges: { br0: { ageing_time: 10s } } }\nsteps:\n  - include: s/steps.yml\n  - name: own\n    probe: [ { class: broadcast, from: a, may_see: [] } ]\n';
const files = { 'dir/t.yml': topology, 'dir/s/steps.yml': steps };

describe('a scenario that includes files', () => {
  it('has their topology, its own beside it and first, and their steps where they are named', () => {
    const { scenario, faults } = parse(whole, files);
    expect(faults).toEqual([]);
    expect(scenario?.topology.bridges.map(({ name, settings }) => [name, settings])).toEqual([
      ['br0', { ageing_time: 1000 }],
      ['br1', {}],
    ]);
    expect(scenario?.topology.endpoints.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(scenario?.steps.map(({ name }) => name)).toEqual(['first', 'second', 'own']);
    expect(scenario?.files.map(({ path, sha256 }) => [path, sha256.length])).toEqual([
      ['dir/t.yml', 64],
      ['dir/s/steps.yml', 64],
    ]);
  });

  it.each([
    [
      'in an included step',
      whole,
      { ...files, 'dir/s/steps.yml': steps.replace('from: b', 'from: d') },
      /^dir\/s\/steps\.yml:2:\d+: .*there is no endpoint "d"/,
    ],
    [
      'in an included endpoint',
      whole,
      { ...files, 'dir/t.yml': topology.replace('port: p1', 'prt: p1') },
      /^dir\/t\.yml:4:\d+: .*unknown key "prt"/,
    ],
    [
      'in its own step behind them',
      whole.replace('from: a,', 'from: e,'),
      files,
      /^s\.yml:7:\d+: .*there is no endpoint "e"/,
    ],
    ['in the YAML of one', whole, { ...files, 'dir/t.yml': 'a: [' }, /^dir\/t\.yml:1:\d+: not valid YAML/],
    [
      'of a file that is not there',
      whole,
      { 'dir/t.yml': topology },
      /^s\.yml:5:14: steps\[0\]\.include: "dir\/s\/steps\.yml" cannot be included: no such file$/,
    ],
    [
      'of an include beside other keys',
      whole.replace('  - name: own', '  - include: s/steps.yml\n    name: own'),
      files,
      /^s\.yml:6:5: steps\[2\]\.include: unknown key/,
    ],
    [
      'of a file whose steps are no list',
      whole,
      { ...files, 'dir/s/steps.yml': 'name: x\nprobes: []\n' },
      /^dir\/s\/steps\.yml:2:1: .*unknown key "probes"/,
    ],
    [
      'of a topology that is a list',
      whole,
      { ...files, 'dir/t.yml': '- a\n' },
      /^dir\/t\.yml:1:1: topology: expected a map, got a list$/,
    ],
    [
      'of an included file that includes',
      whole,
      { ...files, 'dir/s/steps.yml': '- include: more.yml\n' },
      /^dir\/s\/steps\.yml:1:3: .*unknown key "include"/,
    ],
  ])('tells a fault %s at its own place', (_, text, there, expected) => {
    const reported = places(text, there);
    expect(
      reported.some((line) => expected.test(line)),
      reported.join('\n'),
    ).toBe(true);
  });

  it('includes nothing where no files can be had', () => {
    expect(parseScenario('s.yml', bytes(whole)).faults.map(({ message }) => message)).toEqual(
      expect.arrayContaining([expect.stringContaining('no file can be included here')]),
    );
  });

  it('includes 64 files at most', () => {
    const many = whole.replace('  - include: s/steps.yml\n', '  - include: s/steps.yml\n'.repeat(65));
    expect(places(many, files).some((line) => line.includes('at most 64'))).toBe(true);
  });
});
