import { describe, expect, it } from 'vitest';
import { againstBaseline } from '../../../src/report/known-leaks.js';
import type { ReportedRun } from '../../../src/report/reporter.js';
import { type ReporterName, reporters } from '../../../src/report/reporters.js';
import { findings, result, step } from '../../support/report/fixture.js';

const leaking = (seen: Readonly<Record<string, number>>): ReturnType<typeof result> =>
  result(
    [
      step('gate', {
        verdict: 'broken',
        asExpected: false,
        findings: findings('kali2', 'lan', 'raw', { lan: 100, ...seen }),
      }),
    ],
    { verdict: 'broken', exitCode: 2, asExpected: false },
  );
const run = (seen: Readonly<Record<string, number>>): ReportedRun => ({
  result: leaking(seen),
  dir: null,
  details: null,
});
const baseline = { ...leaking({ kali3: 9 }), run: { ...leaking({}).run, id: 'monday' } };
const reported = (name: ReporterName, seen: Readonly<Record<string, number>>): string =>
  reporters[name]([againstBaseline(run(seen), baseline)], { width: 100, color: false });

describe('a run whose leaks are all known from its baseline', () => {
  const known = { kali3: 7, winxp: 0 };

  it('ends with 0, and is called known in the headline of every report', () => {
    expect(againstBaseline(run(known), baseline)).toMatchObject({
      status: 0,
      result: { exitCode: 0, asExpected: true },
    });
    expect(reported('terminal', known)).toMatch(/^KNOWN {2}.*1 step leaks as is known/);
    expect(reported('terminal', known)).toMatch(/KNOWN: nothing leaks that is not known: kali3 receives[^]*monday/);
    expect(reported('markdown', known)).toMatch(/^## KNOWN: /);
    expect(reported('markdown', known)).toContain('≡ KNOWN');
    expect(reported('html', known)).toContain('KNOWN');
    expect(reported('github', known)).toMatch(/^::warning [^\n]*title=known leak[^\n]*kali3 receives/);
    expect(reported('github', known)).not.toContain('::error');
    expect(reported('junit', known)).toMatch(/failures="0"[^]*<system-out>kali3 receives[^]*known from run monday/);
    expect(reported('nagios', known)).toMatch(/^ISOLATION OK/);
  });

  it('is the same as before for programs: JSON is what was judged', () =>
    expect(reported('json', known)).toBe(reporters.json([run(known)], { width: 100, color: false })));
});

describe('a run with a leak that is new', () => {
  const more = { kali3: 7, winxp: 3 };

  it('fails, for the new one alone', () => {
    expect(againstBaseline(run(more), baseline)).toMatchObject({ status: 2, result: { exitCode: 2 } });
    expect(reported('terminal', more)).toMatch(/BROKEN: winxp receives/);
    expect(reported('terminal', more)).toContain('known from run monday');
    expect(reported('github', more)).toMatch(/^::error [^\n]*winxp receives/);
    expect(reported('github', more)).toMatch(/^::warning [^\n]*kali3 receives/m);
    expect(reported('junit', more)).toMatch(/<failure message="isolation is broken: winxp receives/);
  });
});
