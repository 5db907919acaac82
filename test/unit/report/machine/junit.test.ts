import { describe, expect, it } from 'vitest';
import { junitReport } from '../../../../src/report/machine/junit.js';
import { reported } from '../../../support/report/evidence.js';
import { experiment, result, step, leakingStep, doubtfulStep } from '../../../support/report/fixture.js';

const render = (run: typeof experiment): string =>
  junitReport([{ result: run, dir: null, details: null }], { width: 80, color: false });

describe('junit report', () => {
  it('passes what is as expected, demonstrations included', () => {
    expect(render(experiment)).toContain('tests="5" failures="0" errors="0" skipped="0"');
  });

  it('makes a leak a failure and an inconclusive step an error, never skipped', () => {
    const text = render(result([leakingStep('leaks'), doubtfulStep('deaf', 'control-missing', 'kali3', 'deaf')]));
    expect(text).toContain('failures="1" errors="1" skipped="0"');
    expect(text).toContain(
      '<failure message="isolation is broken: kali3 receives traffic from kali2 for lan (7 of 100 frames): nothing in the settings that were read explains it">kali3 receives traffic from kali2 for lan (7 of 100 frames): nothing in the settings that were read explains it.</failure>',
    );
    expect(text).toContain('<error message="inconclusive">control-missing at kali3: deaf</error>');
  });

  it('makes a step without a claim that failed an error, and none of one that came to its end', () => {
    const text = render(
      result([
        step('nothing is claimed', { verdict: null, expected: null }),
        doubtfulStep('failed', 'step-failed', null, 'tc failed', { expected: null }),
        step('leaked and failed', { verdict: 'broken', expected: null, asExpected: false }),
        step('not here', {
          verdict: null,
          expected: null,
          asExpected: false,
          reasons: [{ code: 'unsupported', observer: null, text: 'no such kind' }],
        }),
      ]),
    );
    expect(text).toContain('tests="3" failures="0" errors="3" skipped="0"');
    expect(text).toContain('<error message="inconclusive">step-failed: tc failed</error>');
    expect(text).toContain('<error message="inconclusive">unsupported: no such kind</error>');
    expect(text).not.toContain('nothing is claimed');
  });

  it('makes a run in which nothing was judged an error', () => {
    const unjudged = result([step('nothing is claimed', { verdict: null, expected: null })]);
    const text = render({ ...unjudged, verdict: 'inconclusive', exitCode: 3, asExpected: false });
    expect(text).toContain('tests="1" failures="0" errors="1" skipped="0"');
    expect(text).toContain('nothing was judged');
  });

  it('carries cause, fix, evidence and how long each step took', () => {
    const run = reported(['c']);
    const text = junitReport([run], { width: 80, color: false });
    expect(text).toMatch(/<testcase classname="test" name="one" time="\d+\.\d{3}">/);
    expect(text).toContain(
      '>c receives traffic from a for b (1 of 20 frames): p2 takes frames to MACs that the bridge does not know (flood on). Fix: bridge link set dev p2 flood off (costs: a guest that is silent for longer than the ageing time is not reached until it speaks). | evidence: /evidence</failure>',
    );
  });

  it('escapes names', () => {
    expect(render(result([step('<b>&"\u0000', {})]))).toContain(String.raw`name="&lt;b&gt;&amp;&quot;\u{0}"`);
  });
});
