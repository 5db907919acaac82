import { describe, expect, it } from 'vitest';
import { causeCodes, isOfBridge } from '../../../../src/core/bridge/weaknesses.js';
import type { Cause } from '../../../../src/core/model/result.js';
import { causeStories } from '../../../../src/report/answer/cause-stories.js';
import { findings, result, step } from '../../../support/report/fixture.js';

const heard = (code: Cause['code'], place: string) =>
  findings('a', 'b', 'raw', { c: 7 }, { causes: [{ code, place, value: '', text: '', fix: '' }] });
const storiesOf = (code: Cause['code'], ...places: readonly string[]): readonly (readonly string[])[] =>
  causeStories(result(places.map((place) => step(place, { asExpected: false, findings: heard(code, place) })))).map(
    ({ group }) => group.causes.flatMap((cause) => cause.places),
  );

describe('leaks of several steps', () => {
  it.each(causeCodes.filter(isOfBridge))('are apart by bridge where their cause is %s', (code) => {
    expect(storiesOf(code, 'br0.x', 'br1.x', 'br0.x')).toEqual([['br0.x'], ['br1.x']]);
  });

  it('are one by a cause that is of each port', () => {
    expect(isOfBridge('unknown-flood')).toBe(false);
    expect(isOfBridge('unexplained')).toBe(false);
    expect(storiesOf('unknown-flood', 'p1.flood', 'p2.flood')).toEqual([['p1.flood', 'p2.flood']]);
  });
});
