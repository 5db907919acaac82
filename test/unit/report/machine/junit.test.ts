import { describe, expect, it } from 'vitest';
import { junitReport } from '../../../../src/report/machine/junit.js';
import { experiment, findings, result, step } from '../../../support/report/fixture.js';

const render = (run: typeof experiment): string =>
  junitReport([{ result: run, dir: null, details: null }], { width: 80, color: false });

describe('junit report', () => {
  it('passes what is as expected, demonstrations included', () => {
    expect(render(experiment)).toContain('tests="5" failures="0" errors="0" skipped="0"');
  });

  it('makes a leak a failure and an inconclusive step an error, never skipped', () => {
    const text = render(
      result([
        step('leaks', {
          verdict: 'broken',
          asExpected: false,
          findings: findings('kali2', 'lan', 'raw', { lan: 100, kali3: 7 }),
        }),
        step('deaf', {
          verdict: 'inconclusive',
          asExpected: false,
          reasons: [{ code: 'control-missing', observer: 'kali3', text: 'deaf' }],
        }),
      ]),
    );
    expect(text).toContain('failures="1" errors="1" skipped="0"');
    expect(text).toContain(
      '<failure message="isolation is broken">kali2 to lan (known-unicast, raw) at kali3: 7 of 100</failure>',
    );
    expect(text).toContain('<error message="inconclusive">control-missing at kali3: deaf</error>');
  });

  it('escapes names', () => {
    expect(render(result([step('<b>&"\u0000', {})]))).toContain(String.raw`name="&lt;b&gt;&amp;&quot;\u{0}"`);
  });
});
