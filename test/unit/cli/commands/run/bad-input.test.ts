import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../../../../support/scratch.js';
import { callHere } from '../../../../support/call-here.js';

const folder = scratchFolder('bad-input');

const head = `version: 1
name: t
topology:
  provider: lab
  bridges: { br0: {} }
  endpoints:
    a: { bridge: br0, port: p0 }
    b: { bridge: br0, port: p1 }
    c: { bridge: br0, port: p2 }
steps:
`;
const step = (probe: string): string => `  - { name: s, probe: ${probe}, expect: private }\n`;
const good = step('[ { class: known-unicast, from: a, to: b } ]');

/** What is in the file, where the fault is told, and a word of how. */
const cases: Readonly<Record<string, readonly [text: string, place: string, says: string]>> = {
  'an empty file': ['', '1:1', 'empty'],
  'a wrong type': [head + step('[ { class: known-unicast, from: a, to: b, count: many } ]'), '11:72', 'whole number'],
  'an unknown key': [head + good.replace('probe:', 'probes:'), '11:16', 'did you mean "probe"?'],
  'a bad MAC': [head.replace('port: p1', 'port: p1, mac: "5254"') + good, '8:38', 'MAC address'],
  'a name that stands twice': [head.replace('    c:', '    a:') + good, '9:5', 'second time'],
  'two endpoints on one port': [head.replace('port: p1', 'port: p0') + good, '8:29', 'already the port'],
  'an unknown endpoint': [head + step('[ { class: known-unicast, from: a, to: zz } ]'), '11:62', 'no endpoint "zz"'],
  'no probes': [head + step('[ ]'), '11:23', 'at least one'],
  'no frames': [head + step('[ { class: known-unicast, from: a, to: b, count: 0 } ]'), '11:72', 'whole number'],
  'a step that forbids no observer': [head + step('[ { class: broadcast, from: a } ]'), '11:25', 'forbids no observer'],
  'a file of 2 MiB': [head + good + '# padding\n'.repeat(210_000), '1:1', 'at most 1 MiB'],
};

describe('run refuses with 64, naming the place,', () => {
  for (const [name, [text, place, says]] of Object.entries(cases)) {
    it(name, async () => {
      const file = join(folder, `${name.replaceAll(' ', '-')}.yml`);
      writeFileSync(file, text);
      const { status, stdout, stderr } = await callHere('run', file, '--out', join(folder, 'out'));
      expect({ status, stdout }).toEqual({ status: 64, stdout: '' });
      expect(stderr).toContain(`${file}:${place}: `);
      expect(stderr).toContain(says);
    });
  }

  it('a file that is not there', async () => {
    const { status, stderr } = await callHere('run', join(folder, 'none.yml'));
    expect({ status, named: stderr.includes('none.yml') }).toEqual({ status: 64, named: true });
  });

  it('every fault of a file in one go', async () => {
    const file = join(folder, 'several.yml');
    writeFileSync(
      file,
      head.replace('port: p1', 'port: p0, mac: "5254"') + step('[ { class: known-unicst, from: a, to: zz } ]'),
    );
    const { status, stderr } = await callHere('run', file);
    expect(status).toBe(64);
    for (const says of ['already the port', 'MAC address', 'did you mean "known-unicast"?', 'no endpoint "zz"'])
      expect(stderr).toContain(says);
  });

  it.each([[['a.yml', '--class', 'broadcast', '--netns', 'hv'], '--netns, --class: only without a file']])(
    'options that would be ignored: %j',
    async (args, says) => {
      const { status, stderr } = await callHere('run', ...args);
      expect({ status, stderr }).toEqual({ status: 64, stderr: expect.stringContaining(says) });
    },
  );

  it.each([
    [['--sign', '/no-key'], /^REFUSED: \/no-key: .*no such file/i],
    [['--reporter', 'junit=/proc/no/junit.xml'], /^REFUSED: \/proc\/no\/junit.xml cannot be written: no such/],
    [['--reporter', `junit=${folder}`], /^REFUSED: \S+ cannot be written: illegal operation on a directory/],
    [['--reporter', 'csv=captures/hub-mode/plan.json/rows.csv'], /cannot be written: not a directory/],
    [['--report', '/proc/no'], /^REFUSED: \/proc\/no\/report.txt cannot be written/],
  ])('what is used at the end alone: %j', async (args, says) => {
    const [file, out] = [join(folder, 'good.yml'), join(folder, 'never')];
    writeFileSync(file, head + good);
    const { status, stderr } = await callHere('run', file, '--out', out, ...args);
    expect({ status, stderr, isMade: existsSync(out) }).toEqual({
      status: 64,
      stderr: expect.stringMatching(says),
      isMade: false,
    });
  });
});
