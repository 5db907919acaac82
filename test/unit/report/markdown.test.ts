import { expect, it } from 'vitest';
import type { Cause, Result } from '../../../src/core/model/result.js';
import { markdownReport } from '../../../src/report/markdown.js';
import { findings, leakingStep, result, step } from '../../support/report/fixture.js';

const markdown = (run: Result): string =>
  markdownReport([{ result: run, dir: null, details: null }], { width: 80, color: false });

it('prints commands that make no loop, each in its line and as data', () => {
  const fix = ['ip link set dev a up', 'bridge link set dev `<b>` flood off', 'ip -6 route add 2001:db8::1'];
  const cause: Cause = { code: 'unknown-flood', place: 'a.flood', value: 'on', text: '', fix: '' };
  const causes = fix.map((text, at) => ({ ...cause, place: `p${at}.flood`, fix: text }));
  const rows = causes.flatMap((one) => findings('kali2', 'lan', 'raw', { kali3: 7 }, { causes: [one] }));
  const text = markdown(result([leakingStep('gate', rows)], { exitCode: 2, asExpected: false }));
  expect(text).toContain('- fix: 3 commands, below');
  expect(text).toContain(
    [
      '    <pre>ip link set dev a up',
      '    bridge link set dev &#96;&#60;b&#62;&#96; flood off',
      '    ip -6 route add 2001&#58;db8&#58;&#58;1</pre>',
    ].join('\n'),
  );
});

it('names what stands beside the run, without the words of rules, and ports that nobody observed', () => {
  const text = markdown(
    result([step('gate', {})], {
      verdict: 'holds',
      precheck: [{ code: 'nft-mirror', place: 't c', value: 'dup to secret', text: 'it copies frames' }],
      coverage: { complete: false, observed: 3, ports: 4, unobserved: [{ port: 'vnet7', reason: 'gone' }] },
    }),
  );
  expect(text).toContain('- beside: nft-mirror&#58; t c&#58; it copies frames');
  expect(text).toContain('- not observed: vnet7&#58; gone');
  expect(text).not.toContain('secret');
});
