import { describe, expect, it } from 'vitest';
import type { Cause, Finding, Result, StepResult } from '../../../../src/core/model/result.js';
import { terminalReport } from '../../../../src/report/terminal/terminal.js';
import { recordedRuns, resultOf } from '../../../support/recorded-runs.js';
import { experiment, findings, result, step, leakingStep, doubtfulStep } from '../../../support/report/fixture.js';

const render = (run: Result, width = 80, change: Partial<Parameters<typeof terminalReport>[0][number]> = {}): string =>
  terminalReport([{ result: run, dir: 'evidence/run', details: null, ...change }], { width, color: false });
const linesOf = (text: string): readonly string[] => text.trimEnd().split('\n');
/** Lines that the terminal needs: what is wider than it goes on in the next. */
const heightOf = (text: string, width: number): number =>
  linesOf(text).reduce((sum, line) => sum + Math.max(1, Math.ceil([...line].length / width)), 0);
/** The last words, as one line. */
const closingOf = (text: string): string => text.slice(text.lastIndexOf('\n\n') + 2).replaceAll(/\s+/g, ' ');

const hub: Cause = {
  code: 'ageing-zero',
  place: 'br0.ageing_time',
  value: '0',
  text: 'br0 learns nothing',
  fix: 'ip link set dev br0 type bridge ageing_time 30000',
};
const names = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `g${at + 1}`);
/** Every guest overhears what every other sends to a third. */
function mesh(count: number): readonly Finding[] {
  const guests = names(count);
  return guests.flatMap((from, at) => {
    const to = guests[(at + 1) % count] ?? '';
    const seen = Object.fromEntries(guests.filter((name) => name !== from).map((name) => [name, 100]));
    return findings(from, to, 'raw', seen).map((finding) => {
      const fix = `bridge link set dev p${finding.observer.slice(1)} flood off`;
      const flood: Cause = {
        code: 'unknown-flood',
        place: `${fix.split(' ')[4] ?? ''}.flood`,
        value: 'on',
        text: '',
        fix,
      };
      return finding.leak ? { ...finding, causes: [hub, flood] } : finding;
    });
  });
}
const broken = (rows: readonly Finding[]): Result =>
  result([leakingStep('gate', rows)], { exitCode: 2, asExpected: false });

describe('the answer in the terminal', () => {
  it('begins with the verdict and ends with it, in a sentence, with what to type and where to read on', () => {
    const text = render(broken(mesh(50)), 80, { page: 'evidence/run/report.html' });
    expect(text).toMatch(/^BROKEN {2}wireshark-experiment: 1 step is broken; not as expected\n/);
    expect(closingOf(text)).toBe(
      "BROKEN: 50 of 50 endpoints receive each other's traffic (240,000 of 240,000 copies): br0 is a hub (ageing_time 0)" +
        ' fix ip link set dev br0 type bridge ageing_time 30000 costs: nothing, entries age as they do by default report evidence/run/report.html' +
        ` frames wireshark -Y 'frame.comment contains "LEAK"' evidence/run/evidence.pcapng` +
        ' exit status 2: a leak that was not expected; it took 12.3 s ',
    );
  });

  it('ends with no fix that cuts guests off, and with the price of one that does not', () => {
    const isolated = mesh(5).map((finding) => ({
      ...finding,
      causes: finding.causes.map((cause) => ({
        ...cause,
        code: 'group-flood' as const,
        place: 'p1.bcast_flood',
        fix: 'bridge link set dev p1 bcast_flood off',
      })),
    }));
    const closing = closingOf(render(broken(isolated), 80));
    expect(closing).toContain('fix none that cuts no guests off; --verbose shows those that do, and their price');
    expect(closing).not.toContain('bcast_flood off');
    expect(closingOf(render(broken(mesh(5)), 80))).toContain('ageing_time 30000 costs: nothing, entries age');
  });

  it('names who hears whom where they are few', () => {
    const rows = [
      ...findings('kali2', 'lan', 'raw', { lan: 100, kali3: 7 }, { causes: [hub] }),
      ...findings('lan', 'kali2', 'raw', { kali2: 100, kali3: 7 }, { causes: [hub] }),
    ];
    expect(closingOf(render(broken(rows)))).toMatch(
      /^BROKEN: kali3 receives traffic between kali2 and lan \(14 of 200 frames\): br0 is a hub \(ageing_time 0\) /,
    );
  });

  it('tells ways to end a leak as one or the other, each with its price', () => {
    const text = render(broken(mesh(5)));
    expect(text).toMatch(
      /fix {2}ip link set dev br0 type bridge ageing_time 30000\n +costs: nothing[^]*\n +or {3}for dev in p3 p4 p5 p1 p2; do bridge link set dev "\$dev" flood off; done\n +costs: a guest that is silent/,
    );
  });

  it('tells one cause once, whatever the number of pairs and steps', () => {
    const steps = ['one', 'two'].map((name) => leakingStep(name, mesh(20)));
    const text = render(result(steps, { exitCode: 2, asExpected: false }));
    expect(text.split('Why\n')[1]?.match(/br0 is a hub/g)).toHaveLength(2);
    expect(text).toContain('br0 is a hub (ageing_time 0), steps 1 and 2\n');
  });

  it('says what a HOLDS rests on in numbers', () => {
    const silent = findings('kali2', 'lan', 'raw', { lan: 100, kali3: 0 });
    const text = render(result([step('gate', { findings: silent })], { verdict: 'holds' }));
    expect(closingOf(text)).toMatch(
      /^HOLDS: none of 2 endpoints received any of 100 frames not meant for it\. All could hear \(48 of 48 controls seen\) again /,
    );
    expect(text).toContain('at most 2.96 % of such frames leak');
  });

  it('says of what is not proven where, why, and what to do', () => {
    const deaf = doubtfulStep('gate', 'control-missing', 'kali3', 'did not see its controls');
    const closing = closingOf(render(result([deaf], { verdict: 'inconclusive', exitCode: 3, asExpected: false })));
    expect(closing).toMatch(
      /^INCONCLUSIVE: it is not known whether isolation holds: control-missing at kali3, in 1 of 1 step to do /,
    );
    expect(closing).toContain('Look for a stopped capture');
    expect(closing).toMatch(/exit status 3: not proven/);
  });

  it('names the step that did not come out as expected', () => {
    const held = step('the hub', { verdict: 'holds', expected: 'broken', asExpected: false });
    expect(closingOf(render(result([held], { verdict: 'holds', exitCode: 4, asExpected: false })))).toMatch(
      /^NOT AS EXPECTED: step 1 \(the hub\) expected a leak and came to HOLDS /,
    );
  });

  it('names the claim that is unmet where the verdict is as expected', () => {
    const unmet = [{ claim: 'bob sees all', probe: null, outcome: 'short' } as const];
    const leaked = step('the hub', { verdict: 'broken', expected: 'broken', asExpected: false, unmet });
    const text = render(result([leaked], { verdict: 'broken', exitCode: 4, asExpected: false }));
    expect(closingOf(text)).toMatch(/^NOT AS EXPECTED: step 1 \(the hub\) expected bob sees all and came to BROKEN /);
    expect(text).toMatch(/BROKEN +≠ expected bob sees all; /);
    expect(text).not.toContain('a leak');
    const hostile = [{ claim: 'b\u001b[2Jb', probe: null, outcome: 'short' } as const];
    const steps = [leaked, { ...leaked, unmet: hostile }];
    const replayed = render(result(steps, { verdict: 'broken', exitCode: 4, asExpected: false }));
    expect(replayed).toContain('expected b\\u{1b}[2Jb; ');
    expect(replayed).not.toContain('\u001b[2J');
  });

  it('tells the five acts of the experiment in a line each', () => {
    const acts = experiment.steps.flatMap((step) =>
      ['by probes', 'by http'].map((how) => ({ ...step, name: `${step.name}, ${how}` })),
    );
    const text = render({ ...experiment, steps: acts });
    const reported = linesOf(text.slice(text.indexOf('Acts\n'), text.lastIndexOf('\n\n')));
    expect(reported.map((line) => line.replace(/^ *(\S+) .*? (HOLDS|REPRODUCED) .*$/, '$1 $2'))).toEqual([
      'Acts',
      '1-2 HOLDS',
      '3-4 REPRODUCED',
      '5-6 REPRODUCED',
      '7-8 HOLDS',
      '9-10 HOLDS',
    ]);
  });

  it('puts the steps that failed first where there are more than fit', () => {
    const steps = names(60).map((name, at) =>
      at === 47 ? leakingStep(name, mesh(3)) : step(name, { findings: findings('a', 'b', 'raw', { b: 100, c: 0 }) }),
    );
    const text = render(result(steps, { exitCode: 2, asExpected: false }));
    expect(text).toMatch(/Steps\n +48 +g48 +BROKEN/);
    expect(text).toMatch(/and \d+ more, all as expected: --verbose shows them/);
  });

  it('says how it was called', () => {
    const held = result([step('one', { findings: findings('a', 'b', 'raw', { b: 100, c: 0 }) })]);
    const run = { result: held, dir: 'evidence/run', details: null };
    expect(terminalReport([run], { width: 80, color: false, command: 'node dist/cli.cjs' })).toContain(
      'again   node dist/cli.cjs replay evidence/run',
    );
  });

  it('never lets names act on the terminal', () => {
    const evil = 'a\u001b[2J\u202e\nb';
    const run = broken(findings(evil, 'lan', 'raw', { lan: 100, [evil]: 3, kali3: 2 }));
    const text = render({ ...run, scenario: { ...run.scenario, name: evil } });
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(text).toContain(String.raw`a\u{1b}[2J\u{202e}\u{a}b`);
  });

  it('cuts no sentence, however much else is to be said', () => {
    const fix = Array.from({ length: 12 }, (_, at) => `nft add rule inet isolation forward iifname cali${at} drop`);
    const filter: Cause = {
      ...hub,
      code: 'host-forwards',
      place: 'net.ipv4.ip_forward',
      value: '1',
      fix: fix.join(' && '),
    };
    const rows = findings('kali2', 'lan', 'raw', { lan: 100, kali3: 7 }, { causes: [filter] });
    const steps = [leakingStep('gate', rows), step('a long name of a step that has more to say', {})];
    for (const width of [60, 80, 100]) {
      const text = render(result(steps, { exitCode: 2, asExpected: false }), width);
      expect(text).not.toMatch(/^ +…$/m);
      expect(text).toMatch(/Why\n {2}HIGH {2}the host routes between guests/);
    }
  });

  it('says a fix once if there is no other', () => {
    const rows = findings('kali2', 'lan', 'raw', { lan: 100, kali3: 7 }, { causes: [hub] });
    expect(render(broken(rows)).match(/ageing_time 30000/g)).toHaveLength(1);
  });

  it('fits although names are as long as names may be', () => {
    const long = (letter: string): string => letter.repeat(200);
    const rows = ['a', 'b', 'c', 'd'].flatMap((letter) =>
      findings(long(letter), long('x'), 'raw', { [long('x')]: 100, [long('y')]: 3 }),
    );
    expect(heightOf(render(broken(rows)), 80)).toBeLessThanOrEqual(24);
  });
});

describe('acts that are not judged', () => {
  it('say why, if somebody knows', () => {
    const shown = result([step('shown', { verdict: null, expected: null }), step('gate', {})]);
    const show = (view: object): string =>
      terminalReport([{ result: shown, dir: null, details: null }], { width: 80, color: false, ...view });
    expect(show({})).toContain('not judged: this run claims nothing here');
    expect(show({ whyNotJudged: 'a leak needs no proof that kali3 hears' })).toContain(
      'not judged: a leak needs no proof that kali3 hears',
    );
  });
});

describe('what the kernel lacks', () => {
  it('stands before what follows from it', () => {
    const lacking = doubtfulStep('vlan', 'unsupported', 'kali3', 'no VLAN filtering');
    const deaf = ['a', 'b'].map((name) => doubtfulStep(name, 'control-missing', 'kali3', 'deaf'));
    const text = render(result([...deaf, lacking], { verdict: 'inconclusive', exitCode: 69, asExpected: false }));
    expect(closingOf(text)).toMatch(/it is not known whether isolation holds: unsupported/);
    expect(text.indexOf('unsupported')).toBeLessThan(text.indexOf('control-missing'));
  });
});

describe('a barrier that nothing explains', () => {
  it('is named as not known', () => {
    const opens = 'unknown: find out what stopped the frames before relying on it';
    const barriers = [{ code: 'unexplained', places: [], text: '', opens }] as const;
    const held = { class: 'known-unicast', carriers: ['raw'], from: ['a'], observers: ['c'], alone: true, barriers };
    expect(render(result([step('gate', { held: [held] })], { verdict: 'holds' })).replaceAll(/\s+/g, ' ')).toContain(
      'no known barrier stops known-unicast; find out what stopped the frames before relying on it',
    );
  });
});

describe('several runs', () => {
  const holds = result([step('gate', { findings: findings('a', 'b', 'raw', { b: 1, c: 0 }) })], { verdict: 'holds' });
  const runs = [holds, broken(mesh(3)), holds].map((result, at) => ({
    result: { ...result, scenario: { ...result.scenario, name: `run-${at + 1}` } },
    dir: `evidence/run-${at + 1}`,
    details: null,
  }));
  const text = terminalReport(runs, { width: 80, color: false, status: 2 });

  it('end with a line each and a sum', () => {
    const last = linesOf(text).slice(-4);
    expect(last.map((line) => line.slice(0, 15))).toEqual([
      'HOLDS   run-1  ',
      'BROKEN  run-2  ',
      'HOLDS   run-3  ',
      'BROKEN: 3 runs:',
    ]);
    expect(last[3]).toBe('BROKEN: 3 runs: 2 HOLDS, 1 BROKEN; exit status 2: a leak that was not expected');
    expect(last.every((line) => line.length <= 80)).toBe(true);
  });

  it('are told closer only where they failed', () => {
    expect(text).toContain('evidence/run-2/evidence.pcapng');
    expect(text).not.toContain('replay evidence/run-1');
  });
});

describe('every recorded run', () => {
  it('cuts no line of a table in a pipe, and has more lines in a higher terminal', () => {
    const steps = Array.from({ length: 40 }, (_, at) => step(`${'a long name '.repeat(6)}${at}`, {}));
    const show = (view: object): string =>
      terminalReport([{ result: result(steps), dir: 'd', details: null }], { width: 80, color: false, ...view });
    expect(show({ uncut: true })).toContain(`${'a long name '.repeat(6)}39`);
    expect(show({ uncut: true })).not.toContain('…');
    expect([show({}), show({ height: 50 })].map((text) => heightOf(text, 80) > 24)).toEqual([false, true]);
  });

  it('is READY or NOT READY after a dry run, and claims no verdict', () => {
    const dry = { code: 'dry-run', observer: null, text: 'nothing was sent' } as const;
    const other = { code: 'open-failed', observer: 'kali3', text: 'refused' } as const;
    const of = (...reasons: StepResult['reasons']): Result =>
      result([step('round 1', { verdict: 'inconclusive', asExpected: false, reasons })], {
        verdict: 'inconclusive',
        exitCode: 3,
        asExpected: false,
      });
    const [ready, open] = [render(of(dry)), render(of(dry, other))];
    expect(ready).toMatch(/^READY {2}wireshark-experiment: 1 step is ready/);
    expect(closingOf(ready)).toMatch(/^READY: everything but sending was done, and works /);
    expect(open).toMatch(/^NOT READY /);
    expect(closingOf(open)).toMatch(/^NOT READY: a run would be inconclusive: open-failed at kali3/);
    for (const text of [ready, open]) expect(text).not.toMatch(/≠ expected|it is not known/);
  });

  it('has the five acts of the experiment, whatever its evidence is called', async () => {
    const dir = 'evidence/wireshark-experiment-20261127-084353-15f3f6ad';
    const run = await resultOf('wireshark-experiment');
    const text = render(run, 80, { dir, page: `${dir}/report.html` });
    expect(text.match(/^ +\d+-\d+ .*/gm)).toHaveLength(5);
    expect(text).toContain('kali2 and kali3 receive traffic from lan for winxp (1,938 of 1,938 copies).');
  });

  it.each(recordedRuns)('%s is answered in 24 lines at 80 and 60 columns', async (name) => {
    const run = await resultOf(name);
    for (const width of [60, 80]) {
      const text = render(run, width, { dir: name, page: `${name}/report.html` });
      expect(heightOf(text, width)).toBeLessThanOrEqual(24);
      expect(closingOf(text)).toMatch(new RegExp(`exit status ${run.exitCode}: `));
    }
  });
});
