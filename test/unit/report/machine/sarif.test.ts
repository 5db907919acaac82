import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { sarifReport } from '../../../../src/report/machine/sarif.js';
import type { ReportedRun } from '../../../../src/report/reporter.js';
import { reported } from '../../../support/report/evidence.js';
import { doubtfulStep, experiment, leakingStep, result, step } from '../../../support/report/fixture.js';

// The schema that OASIS publishes with SARIF 2.1.0 (errata 01), in draft 04: its own keywords are left out, for Ajv 8
// reads newer drafts, and it uses none that changed.
const {
  $schema: _draft,
  id: _id,
  ...schema
}: Record<string, unknown> = JSON.parse(readFileSync(new URL('schemas/sarif-2.1.0.json', import.meta.url), 'utf8'));
const validate = new Ajv({ allErrors: true, strict: false, validateFormats: false }).compile(schema);

interface Log {
  readonly runs: readonly {
    readonly results: readonly {
      readonly ruleId: string;
      readonly level: string;
      readonly message: { readonly text: string };
      readonly partialFingerprints: object;
    }[];
    readonly invocations: readonly { readonly executionSuccessful: boolean; readonly exitCode?: number }[];
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
  }[];
}

function logOf(
  runs: readonly ReportedRun[],
  unended: readonly { readonly name: string; readonly why: string }[] = [],
): Log {
  const log: Log = JSON.parse(sarifReport(runs, { width: 80, color: false, unended }));
  validate(log);
  expect(validate.errors ?? []).toEqual([]);
  return log;
}

const run = (judged: typeof experiment): ReportedRun => ({ result: judged, dir: null, details: null });

describe('SARIF', () => {
  it('has a leak as an error at the line of its step, with cause, fix and a fingerprint that stays', () => {
    const [first] = logOf([reported(['c'])]).runs;
    const [leak] = first?.results ?? [];
    expect(leak).toMatchObject({
      ruleId: 'unknown-flood',
      level: 'error',
      message: { text: expect.stringContaining('Fix: bridge link set dev p2 flood off') as string },
      locations: [
        {
          physicalLocation: { artifactLocation: { uri: 'test.yml' }, region: { startLine: 1 } },
          logicalLocations: [{ name: 'one' }],
        },
      ],
    });
    expect(leak?.partialFingerprints).toEqual({
      'verify-isolation/v1': 'unknown-flood|a|b|c|known-unicast',
    });
    expect(first?.tool.driver.rules.map(({ id }) => id)).toEqual(['unknown-flood']);
  });

  it('has INCONCLUSIVE as an error of an execution that failed', () => {
    const judged = result([doubtfulStep('deaf', 'control-missing', 'kali3', 'deaf')], {
      verdict: 'inconclusive',
      asExpected: false,
      exitCode: 3,
    });
    const [first] = logOf([run(judged)]).runs;
    expect(first?.results).toMatchObject([
      { ruleId: 'control-missing', level: 'error', message: { text: 'INCONCLUSIVE at kali3: deaf' } },
    ]);
    expect(first?.invocations).toMatchObject([{ executionSuccessful: false, exitCode: 3 }]);
  });

  it('has no result for a run that came out as expected, and an error for one without a result', () => {
    const { runs } = logOf([run(experiment)], [{ name: 'late', why: 'stopped' }]);
    expect(runs.map(({ results }) => results.length)).toEqual([0, 1]);
    expect(runs[1]?.invocations[0]?.executionSuccessful).toBe(false);
  });

  it('suppresses leaks that are accepted, and says why', () => {
    const leaking = leakingStep('known');
    const accepted = { reason: 'the tap of the IDS', owner: null, ticket: null, until: null };
    const judged = result([
      step('known', {
        ...leaking,
        asExpected: true,
        findings: leaking.findings.map((finding) => ({ ...finding, ...(finding.leak ? { accepted } : {}) })),
      }),
    ]);
    expect(logOf([run(judged)]).runs[0]?.results).toMatchObject([
      { suppressions: [{ kind: 'external', justification: 'the tap of the IDS' }] },
    ]);
  });

  it('is valid whatever a guest is called', () => {
    const name = 'x"<b>|\\`@a\n::error::\u001b[31m%0A, :é';
    expect(logOf([run(result([leakingStep(name)]))]).runs[0]?.results.length).toBeGreaterThan(0);
  });
});
