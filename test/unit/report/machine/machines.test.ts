import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { jsonReport } from '../../../../src/report/machine/json.js';
import { junitReport } from '../../../../src/report/machine/junit.js';
import { reporters as loaders } from '../../../../src/report/reporters.js';
import { doubtfulStep, experiment, findings, leakingStep, result } from '../../../support/report/fixture.js';
import { reported } from '../../../support/report/evidence.js';

const reporters = {
  terminal: await loaders.terminal(),
  html: await loaders.html(),
  markdown: await loaders.markdown(),
  junit: await loaders.junit(),
  github: await loaders.github(),
  prometheus: await loaders.prometheus(),
  ndjson: await loaders.ndjson(),
  sarif: await loaders.sarif(),
  csv: await loaders.csv(),
};

const view = { width: 80, color: false };
const hostile = 'x"<b>|\\`@a\n::error::\u001b[31m%0A, :';
const broken = result([leakingStep(hostile), doubtfulStep('deaf', 'control-missing', 'kali3', 'deaf | 50 %')], {
  exitCode: 2,
  asExpected: false,
});
const run = (judged: typeof experiment): { result: typeof experiment; dir: null; details: null } => ({
  result: judged,
  dir: null,
  details: null,
});

/** Those that carry the result whole, and the page, at whose foot the figures stand. */
const whole = ['json', 'ndjson', 'html'];

describe.each(Object.entries(reporters))('%s report', (name, report) => {
  it('lets no control character of a guest through', () => {
    expect(report([run(broken)], view)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  it('praises its tool with no figures: what was broken on purpose is no evidence of this run', () => {
    const { tool } = experiment;
    const text = report([run({ ...experiment, tool: { ...tool, sabotage: { cases: 4711, falseHolds: 8642 } } })], view);
    expect(/4711|8642/.test(text)).toBe(whole.includes(name));
  });

  it('ends with a line feed', () => {
    expect(report([run(experiment)], view)).toMatch(/\n$/);
  });
});

describe('a run that came to no result', () => {
  const late = { ...view, status: 3, unended: [{ name: 'late', why: 'stopped by --timeout 1s' }] };
  const said: Readonly<Record<string, string>> = {
    terminal:
      'NO RESULT   late                  stopped by --timeout 1s\nINCONCLUSIVE: 2 runs: 1 REPRODUCED, 1 NO RESULT; exit status 3',
    html: '<h1>NO RESULT: late</h1><p>stopped by --timeout 1s</p>',
    markdown: '## NO RESULT: late\n\nstopped by --timeout 1s\n',
    junit:
      '<testsuite name="late" tests="1" failures="0" errors="1" skipped="0">\n    <testcase classname="late" name="the run">\n      <error message="no result">stopped by --timeout 1s</error>',
    github: '::error title=no result%3A late::stopped by --timeout 1s\n',
    prometheus: 'verify_isolation_as_expected{scenario="late",run="2"} 0',
    ndjson: '{"event":"run-unended","scenario":"late","why":"stopped by --timeout 1s"}\n',
    sarif: '"text": "no result: late: stopped by --timeout 1s"',
    csv: '\nlate,,,,no result,,,',
  };

  it.each(Object.entries(reporters))('stands in the %s report', (name, report) => {
    expect(report([run(experiment)], late)).toContain(said[name]);
    expect(report([], late)).toContain('late');
  });

  it('stands beside the results of the others in JSON', () => {
    expect(JSON.parse(jsonReport([run(experiment)], late))).toEqual({ results: [experiment], unended: late.unended });
  });
});

describe('github report', () => {
  it('puts an error at the line of the step, and its parts escaped', () => {
    const text = reporters.github([reported(['c'], { name: 'a: b, c' })], view);
    expect(text).toBe(
      '::error file=test.yml,line=1,title=isolation is broken%3A a%3A b%2C c::c receives traffic from a for b (1 of 20 frames): p2 takes frames to MACs that the bridge does not know (flood on). Fix: bridge link set dev p2 flood off (costs: a guest that is silent for longer than the ageing time is not reached until it speaks). Evidence: /evidence\n',
    );
  });

  it('cannot be made to give a command of its own by a name', () => {
    expect(
      reporters
        .github([run(broken)], view)
        .split('\n')
        .filter((line) => line.startsWith('::error')).length,
    ).toBe(2);
    expect(reporters.github([run(broken)], view)).not.toContain('%0A');
  });

  it('gives a notice where all is as expected', () => {
    expect(reporters.github([run(experiment)], view)).toMatch(
      /^::notice file=scenarios\/wireshark-experiment\.yml,title=REPRODUCED/,
    );
  });
});

describe('markdown report', () => {
  it('has a row for each step and makes no mark out of a name', () => {
    const text = reporters.markdown([run(broken)], view);
    expect(text).toContain('| 2 | deaf | ? INCONCLUSIVE | holds; not as expected |');
    expect(text).toContain(
      '- **1. HIGH  nothing in the settings that were read explains it, step 1**\n  - kali3 receives traffic from kali2 for lan &#40;7 of 100 frames&#41;, by known-unicast as raw',
    );
    expect(text).toContain('\nkali3 receives traffic from kali2 for lan &#40;7 of 100 frames&#41;&#58; nothing');
    expect(text).not.toMatch(/<b>|@a|`/);
  });
});

describe('one piece of code', () => {
  const [run] = [reported(['c'])];
  const parts = [
    'c receives traffic from a for b',
    'p2 takes frames to MACs that the bridge does not know',
    'bridge link set dev p2 flood off',
    'a guest that is silent',
  ];
  const plain = (text: string): string =>
    text
      .replaceAll(/<[^>]*>/g, '')
      .replaceAll(/&#(\d+);/g, (_whole, code: string) => String.fromCharCode(Number(code)))
      .replaceAll(/\s+/g, ' ');

  it.each(['terminal', 'html', 'markdown', 'junit', 'github'] as const)(
    'tells who, why, what to type and its price in %s',
    (name) => {
      const text = plain(reporters[name]([run], view));
      expect(parts.filter((part) => !text.includes(part))).toEqual([]);
    },
  );
});

describe('prometheus report', () => {
  it('is in the text format: one HELP and one TYPE before all samples of a metric, labels quoted', () => {
    const lines = reporters
      .prometheus([run(broken), run(experiment)], view)
      .trimEnd()
      .split('\n');
    const seen = new Set<string>();
    let current = '';
    for (const line of lines) {
      const head = /^# HELP (\S+) \S/.exec(line);
      if (head !== null) {
        current = head[1] ?? '';
        expect(seen.has(current)).toBe(false);
        seen.add(current);
      } else if (!line.startsWith('#')) {
        expect(line).toMatch(/^[a-z_]+\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)+\} -?[\d.e+]+$/);
        expect(line.startsWith(`${current}{`)).toBe(true);
      }
    }
    expect(lines).toContain('verify_isolation_verdict{scenario="wireshark-experiment",run="1",verdict="broken"} 1');
  });
});

describe('ndjson report', () => {
  it('is an object a line and ends with the judgement of the run', () => {
    const events = reporters
      .ndjson([reported(['c'])], view)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect(events[0]).toMatchObject({ event: 'run-started', scenario: { name: 'test' } });
    expect(events.filter(({ event }) => event === 'leak')).toHaveLength(1);
    expect(events.filter(({ event }) => event.startsWith('timeline-')).length).toBeGreaterThan(5);
    expect(events.at(-1)).toMatchObject({ event: 'run-judged', verdict: 'broken', exitCode: 2 });
  });
});

describe('junit report', () => {
  it('is XML to a parser that is not ours', () => {
    const { status, stdout, error } = spawnSync(
      'python3',
      [
        '-c',
        'import sys, xml.etree.ElementTree as e; r = e.fromstring(sys.stdin.buffer.read()); print(len(r.findall(".//testcase")), len(r.findall(".//failure")), len(r.findall(".//error")))',
      ],
      { input: junitReport([run(broken)], view), encoding: 'utf8' },
    );
    if (error === undefined) expect({ status, stdout }).toEqual({ status: 0, stdout: '2 1 1\n' });
  });
});

describe('leaks that have no rows of their own', () => {
  const folded = result(
    [
      leakingStep('gate', [
        ...findings('kali2', 'lan', 'raw', { lan: 100, kali3: 7 }),
        ...findings('*', '*', 'raw', { kali3: 5 }, { grouped: 4000 }),
        ...findings('*', '*', 'raw', { winxp: 0 }, { grouped: 90 }),
        ...findings(
          '*',
          '*',
          'raw',
          { winxp: 9 },
          { grouped: 6, accepted: { reason: 'known', owner: null, ticket: null, until: null } },
        ),
      ]),
    ],
    { exitCode: 2, asExpected: false },
  );

  it.each([
    ['prometheus', /^verify_isolation_step_leaks\{.*\} 4001$/m],
    ['html', /<td>4,007 leaking rows<\/td>/],
  ] as const)('count in the %s report as what they stand for', (name, counted) => {
    expect(reporters[name]([run(folded)], view)).toMatch(counted);
  });
});
