import { expect, it } from 'vitest';
import { historiesOf, withoutCopies } from '../../../src/report/history.js';
import { historyText } from '../../../src/report/terminal/history.js';
import { findings, leakingStep, result, step } from '../../support/report/fixture.js';

const quiet = step('gate', { findings: findings('kali2', 'lan', 'raw', { lan: 100, kali3: 0 }) });
const run = (at: string, leaks: boolean) => ({
  dir: `evidence/${at}`,
  result: result([leaks ? leakingStep('gate') : quiet], {
    run: { id: at, startedAt: `2026-11-${at}T17:00:00.000Z`, durationMs: 1 },
    verdict: leaks ? 'broken' : 'holds',
    exitCode: leaks ? 2 : 0,
    asExpected: !leaks,
  }),
});
const text = (...runs: readonly ReturnType<typeof run>[]): string =>
  historyText(historiesOf(runs), { unended: [], copies: [] }, 120, (words) => words);

it('says of runs, in the order of time, what began to leak, what stopped, and since when', () => {
  expect(text(run('25', true), run('24', false), run('27', false), run('26', true))).toBe(
    [
      'wireshark-experiment',
      '  2026-11-24 17:00  HOLDS   evidence/24',
      '  2026-11-25 17:00  BROKEN  evidence/25',
      '                    1 leak began: kali3 overhears kali2 (known-unicast)',
      '  2026-11-26 17:00  BROKEN  evidence/26',
      '  2026-11-27 17:00  HOLDS   evidence/27',
      '                    1 leak stopped: kali3 overhears kali2 (known-unicast), which began 2026-11-25 17:00',
      'wireshark-experiment: HOLDS since 2026-11-27 17:00; 4 runs',
      '',
    ].join('\n'),
  );
});

it('counts a copy of a run once, and names it', () => {
  const [original, copy] = [run('24', true), { ...run('24', true), dir: 'evidence/copy' }];
  const { runs, copies } = withoutCopies([original, run('25', false), copy]);
  expect(runs.map(({ dir }) => dir)).toEqual(['evidence/24', 'evidence/25']);
  expect(copies).toEqual([{ dir: 'evidence/copy', why: 'a copy of evidence/24, which is counted' }]);
});

it('keeps a leak in mind while runs prove nothing of it', () => {
  const unproven = (at: string) => ({
    dir: `evidence/${at}`,
    result: result([step('gate', { verdict: 'inconclusive' })], {
      ...{ run: { id: at, startedAt: `2026-11-${at}T17:00:00.000Z`, durationMs: 1 } },
      ...{ verdict: 'inconclusive', exitCode: 3, asExpected: false },
    }),
  });
  const changesOf = (...runs: readonly ReturnType<typeof run>[]) =>
    historiesOf(runs)[0]?.runs.map(({ changes }) => changes.map(({ kind, since }) => `${kind} ${since.slice(8, 10)}`));
  const first = [run('24', true), unproven('25'), unproven('26')] as const;
  const known = [['began 24'], ['not proven now 24'], ['not proven now 24']];
  expect(changesOf(...first, run('27', false))).toEqual([...known, ['stopped 24']]);
  expect(changesOf(...first, run('27', true))).toEqual([...known, []]);
});

it('says since when it is as it is', () => {
  expect(text(run('24', false), run('25', true), run('26', true))).toContain(
    'wireshark-experiment: BROKEN since 2026-11-25 17:00; 3 runs',
  );
  expect(text(run('24', true))).toContain('1 leak began: kali3');
});
