import { describe, expect, it } from 'vitest';
import type { Result } from '../../../../src/core/model/result.js';
import { controlsReport } from '../../../../src/report/machine/controls.js';
import { experiment } from '../../../support/report/fixture.js';

const controlsOf = (result: Result): string =>
  controlsReport([{ result, dir: null, details: null }], { width: 80, color: false });
const clauses = ['11.4.5', '11.4.6', 'A.8.22', 'SC-7', 'AC-4', 'NET.1.1', 'SYS.1.5'];

describe('controls report', () => {
  it.each([
    ['holds', 'supported: nothing leaked'],
    ['broken', 'contradicted: frames reached guests that they were not for'],
    ['inconclusive', 'not shown: the run is inconclusive'],
  ] as const)('says of every clause what a run that is %s shows', (verdict, said) => {
    const rows = controlsOf({ ...experiment, verdict, steps: verdict === 'holds' ? [] : experiment.steps })
      .split('\n')
      .filter((line) => clauses.some((clause) => line.includes(`| ${clause} |`)));
    expect(rows.map((line) => line.split(' | ').at(-1))).toEqual(clauses.map(() => `${said} |`));
  });

  it('says what limits a HOLDS: accepted leaks, ports without an observer', () => {
    const { coverage } = experiment;
    const text = controlsOf({
      ...experiment,
      verdict: 'holds',
      coverage: { ...coverage, observed: coverage.ports - 1 },
      steps: experiment.steps.map((step) => ({
        ...step,
        findings: step.findings.map((row) => ({
          ...row,
          accepted: { reason: 'known', owner: null, ticket: null, until: null },
        })),
      })),
    });
    expect(text).toMatch(
      /supported in part: no claimed barrier is breached; .*leaks? accepted, 1 of \d+ ports not observed/,
    );
  });

  it('is a pass in no word where nothing is proven', () => {
    expect(controlsOf({ ...experiment, verdict: 'inconclusive' })).not.toMatch(/supported/);
  });

  it('names causes of leaks, and that a run fulfils no control by itself', () => {
    expect(controlsOf(experiment)).toMatch(/Causes: [a-z-]+/);
    expect(controlsOf(experiment)).toContain('It fulfils no control by itself.');
  });
});
