import { describe, expect, it } from 'vitest';
import { fixOutcome } from '../../src/judge/fix-outcome.js';
import { splitFix } from '../../src/judge/split-fix.js';
import type { StepResult } from '../../src/model/result.js';
import { findings, result, step } from '../report/fixture.js';

const cause = { code: 'unknown-flood', place: 'vnet4.flood', value: 'on', text: 'it floods', fix: 'bridge link set dev vnet4 flood off' };
const leak = step('as it was', { verdict: 'broken', findings: findings('kali2', 'lan', 'raw', { lan: 100, kali3: 100 }, { causes: [cause] }) });
const mended = step('with the fix', { findings: findings('kali2', 'lan', 'raw', { lan: 100, kali3: 0 }) });
const reach = (kali3: number): StepResult => step('reach', { verdict: null, expected: null, findings: findings('lan', 'kali3', 'raw', { kali3 }) });
const at = { before: 0, reachBefore: 1, after: 2, reachAfter: 3 };
const outcome = (steps: readonly StepResult[]): ReturnType<typeof fixOutcome> => fixOutcome('unknown-flood', result(steps), at);

describe('a fix', () => {
  it('mends where nothing leaks any longer and everybody is still reached', () => {
    expect(outcome([leak, reach(100), mended, reach(100)])).toMatchObject({ outcome: 'mends', before: 100, after: 0, cutOff: [] });
  });

  it('that cuts somebody off is no fix, whoever he is', () => {
    expect(outcome([leak, reach(100), mended, reach(0)])).toMatchObject({ outcome: 'cuts-off', cutOff: ['kali3'] });
    const silent = step('with the fix', { verdict: 'inconclusive', findings: findings('kali2', 'lan', 'raw', { lan: 0, kali3: 0 }), reasons: [{ code: 'delivery-short', observer: 'lan', text: '' }] });
    expect(outcome([leak, reach(100), silent, reach(100)])).toMatchObject({ outcome: 'cuts-off', cutOff: ['lan'] });
  });

  it('is not blamed for who was not reached before it either', () => {
    expect(outcome([leak, reach(0), mended, reach(0)])).toMatchObject({ outcome: 'mends' });
  });

  it('that leaves some frames still leaks', () => {
    const half = step('with the fix', { verdict: 'broken', findings: findings('kali2', 'lan', 'raw', { lan: 100, kali3: 1 }) });
    expect(outcome([leak, reach(100), half, reach(100)])).toMatchObject({ outcome: 'still-leaks', before: 100, after: 1 });
  });

  it('that mends the rows of its cause while others leak mends in part', () => {
    const other = step('with the fix', { verdict: 'broken', findings: [...findings('kali2', 'lan', 'raw', { lan: 100, kali3: 0 }), ...findings('lan', 'kali2', 'raw', { kali2: 100, kali3: 9 })] });
    expect(outcome([leak, reach(100), other, reach(100)])).toMatchObject({ outcome: 'partly', after: 0 });
  });

  it('is unproven where silence is not proven, or where the leak did not come back without it', () => {
    const deaf = step('with the fix', { ...mended, verdict: 'inconclusive', reasons: [{ code: 'control-missing', observer: 'kali3', text: '' }] });
    expect(outcome([leak, reach(100), deaf, reach(100)])).toMatchObject({ outcome: 'unproven' });
    expect(outcome([mended, reach(100), mended, reach(100)])).toMatchObject({ outcome: 'unproven', after: null });
  });

  it('that the kernel refused has failed', () => {
    const refused = step('with the fix', { verdict: 'inconclusive', reasons: [{ code: 'step-failed', observer: null, text: 'bridge: refused' }] });
    expect(outcome([leak, reach(100), refused, reach(100)])).toMatchObject({ outcome: 'failed', text: 'bridge: refused' });
  });
});

describe('the commands of a fix', () => {
  it('are split as a shell would, and no further', () => {
    expect(splitFix(`nft 'add chain b g { a; }' && tc filter del dev 'it'\\''s;id' ingress`).map(({ argv }) => argv)).toEqual([
      ['nft', 'add chain b g { a; }'], ['tc', 'filter', 'del', 'dev', `it's;id`, 'ingress'],
    ]);
    expect(splitFix('')).toEqual([]);
  });
});
