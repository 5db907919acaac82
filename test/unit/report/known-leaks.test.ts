import { describe, expect, it } from 'vitest';
import { againstBaseline } from '../../../src/report/known-leaks.js';
import type { Finding, ObserverResult } from '../../../src/core/model/result.js';
import type { ReportedRun } from '../../../src/report/reporter.js';
import { type ReporterName, reporters } from '../../../src/report/reporters.js';
import { reported as judgedRun } from '../../support/report/evidence.js';
import { findings, leakingStep, result } from '../../support/report/fixture.js';

const leaking = (seen: Readonly<Record<string, number>>): ReturnType<typeof result> =>
  result([leakingStep('gate', findings('kali2', 'lan', 'raw', { lan: 100, ...seen }))], {
    verdict: 'broken',
    exitCode: 2,
    asExpected: false,
  });
const run = (seen: Readonly<Record<string, number>>): ReportedRun => ({
  result: leaking(seen),
  dir: null,
  details: null,
});
const baseline: ReportedRun = {
  ...run({}),
  result: { ...leaking({ kali3: 9 }), run: { ...leaking({}).run, id: 'monday' } },
};
const reported = async (name: ReporterName, seen: Readonly<Record<string, number>>): Promise<string> =>
  (await reporters[name]())([againstBaseline(run(seen), baseline)], { width: 100, color: false });

describe('a run whose leaks are all known from its baseline', () => {
  const known = { kali3: 7, winxp: 0 };

  it('ends with 0, and is called known in the headline of every report', async () => {
    expect(againstBaseline(run(known), baseline)).toMatchObject({
      status: 0,
      result: { exitCode: 0, asExpected: true },
    });
    expect(await reported('terminal', known)).toMatch(/^KNOWN {2}.*1 step leaks as is known/);
    expect(await reported('terminal', known)).toMatch(
      /KNOWN: nothing leaks that is not known: kali3 receives[^]*monday/,
    );
    expect(await reported('markdown', known)).toMatch(/^## KNOWN: /);
    expect(await reported('markdown', known)).toContain('≡ KNOWN');
    expect(await reported('html', known)).toContain('KNOWN');
    expect(await reported('github', known)).toMatch(/^::warning [^\n]*title=known leak[^\n]*kali3 receives/);
    expect(await reported('github', known)).not.toContain('::error');
    expect(await reported('junit', known)).toMatch(
      /failures="0"[^]*<system-out>kali3 receives[^]*known from run monday/,
    );
  });

  it('is the same as before for programs: JSON is what was judged', async () =>
    expect(await reported('json', known)).toBe((await reporters.json())([run(known)], { width: 100, color: false })));
});

describe('a run with a leak that is new', () => {
  const more = { kali3: 7, winxp: 3 };

  it('fails, for the new one alone', async () => {
    expect(againstBaseline(run(more), baseline)).toMatchObject({ status: 2, result: { exitCode: 2 } });
    expect(await reported('terminal', more)).toMatch(/BROKEN: winxp receives/);
    expect(await reported('terminal', more)).toContain('known from run monday');
    expect(await reported('github', more)).toMatch(/^::error [^\n]*winxp receives/);
    expect(await reported('github', more)).toMatch(/^::warning [^\n]*kali3 receives/m);
    expect(await reported('junit', more)).toMatch(/<failure message="isolation is broken: winxp receives/);
  });
});

describe('a leak that the baseline has by name', () => {
  const changed = (change: Partial<Finding>, observers: Partial<ObserverResult> = {}): ReportedRun => {
    const now = run({ kali3: 9, winxp: 0 });
    const steps = now.result.steps.map((step) => ({
      ...step,
      findings: step.findings.map((row) => (row.leak ? { ...row, ...change } : row)),
      observers: step.observers.map((one) => (one.name === 'kali3' ? { ...one, ...observers } : one)),
    }));
    return { ...now, result: { ...now.result, steps } };
  };
  const caused = (code: 'ageing-zero' | 'mirror' | 'unexplained', place = 'br0'): Partial<Finding> => ({
    causes: [{ code, place, value: '0', text: 'it floods', fix: '' }],
  });
  const had = changed(caused('ageing-zero'));

  it.each([
    ['the same', had],
    ['smaller', changed({ ...caused('ageing-zero'), seen: 3 })],
    ['larger by no more than chance', changed({ seen: 15 })],
    ['without the cause that it had', changed({})],
  ])('is known: %s', (_, now) => expect(againstBaseline(now, had)).toMatchObject({ status: 0 }));

  it.each([
    ['grew', changed({ seen: 40 })],
    ['has another form', changed({ forms: { encapsulated: 2 } })],
    ['has another cause', changed(caused('unexplained'))],
    ['is at another port', changed({}, { interface: 'vnet9' })],
  ])('is news: it %s', (_, now) => {
    const shown = againstBaseline(now, had);
    expect(shown).toMatchObject({ status: 2, result: { exitCode: 2 } });
    expect(shown.result.steps[0]?.findings.find(({ leak }) => leak)?.accepted).toBeUndefined();
  });

  const statusOf = (before: Partial<Finding>, now: Partial<Finding>): number | undefined =>
    againstBaseline(changed(now), changed(before)).status;

  it('is known by the place of its cause, whatever the handle of a rule there', () => {
    const at = (place: string): Partial<Finding> => caused('mirror', place);
    expect(statusOf(at('vnet0 ingress'), at('eth9 ingress'))).toBe(2);
    expect(statusOf(at('vnet0.isolated'), at('vnet0.isolated, vnet1.isolated'))).toBe(2);
    expect(statusOf(at('vnet0.isolated, vnet1.isolated'), at('vnet1.isolated'))).toBe(0);
    expect(statusOf(at('nft netdev t c handle 2'), at('nft netdev t c handle 7'))).toBe(0);
    expect(statusOf(at(''), at('vnet0 ingress'))).toBe(0);
  });

  it("is news: guests' own frames of it are more than tenfold", () => {
    expect(statusOf({ sent: null, seen: 5 }, { sent: null, seen: 50 })).toBe(0);
    expect(statusOf({ sent: null, seen: 5 }, { sent: null, seen: 50_000 })).toBe(2);
  });

  /** A judged run in which `c`, of this role, has these MACs. */
  const withMacs = (role: 'guest' | 'uplink', ...macs: readonly string[]): ReportedRun => {
    const run = judgedRun(['c']);
    const { details } = run;
    if (details === null) throw new Error('no details');
    const endpoints = details.plan.endpoints.map((one) => (one.name === 'c' ? { ...one, role, macs } : one));
    return { ...run, details: { ...details, plan: { ...details.plan, endpoints } } };
  };
  const [one, two] = ['02:00:00:00:00:98', '02:00:00:00:00:99'];

  it('is news: a name stands for another MAC', () => {
    expect(againstBaseline(withMacs('guest', two), withMacs('guest', one)).status).toBe(2);
    for (const macs of [[one], [one, two], [two, one]])
      expect(againstBaseline(withMacs('guest', ...macs), withMacs('guest', one)).status).not.toBe(2);
  });

  it('is known at an uplink, whatever the MACs behind that', () =>
    expect(againstBaseline(withMacs('uplink', two), withMacs('uplink', one)).status).not.toBe(2));
});

describe('a run whose leaks are known, and in which a claim failed', () => {
  it('passes in no report', async () => {
    const { result: known, ...rest } = run({ kali3: 7 });
    const unmet = [{ claim: 'ids sees all', probe: null, outcome: 'short' }] as const;
    const blind = { ...rest, result: { ...known, steps: known.steps.map((each) => ({ ...each, unmet })) } };
    const shown = againstBaseline(blind, baseline);
    expect(shown).toMatchObject({ status: 4, result: { exitCode: 4, asExpected: false } });
    const view = { width: 100, color: false };
    expect((await reporters.junit())([shown], view)).toContain('failures="1" errors="0" skipped="0" time="12.345"');
    expect((await reporters.junit())([shown], view)).toContain('<failure message="did not come true: ids sees all">');
    expect((await reporters.github())([shown], view)).toContain('did not come true: ids sees all');
    expect((await reporters.terminal())([shown], view)).toMatch(/^NOT AS EXPECTED/);
  });
});

describe('a run with leaks that have no rows of their own', () => {
  it('is not called known, for which they are is not known', () => {
    const folded = leaking({ kali3: 7 });
    const steps = folded.steps.map((step) => ({
      ...step,
      findings: step.findings.map((row) => (row.leak ? { ...row, grouped: 400 } : row)),
    }));
    const shown = againstBaseline(
      { ...run({}), result: { ...folded, steps } },
      { ...baseline, result: { ...baseline.result, steps } },
    );
    expect(shown).toMatchObject({ status: 3, result: { exitCode: 3, asExpected: false } });
    expect(shown.result.steps[0]?.findings.find(({ leak }) => leak)?.accepted).toBeUndefined();
  });
});
