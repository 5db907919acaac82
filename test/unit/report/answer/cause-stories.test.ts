import { describe, expect, it } from 'vitest';
import { causeCodes, isOfBridge } from '../../../../src/core/bridge/weaknesses.js';
import type { Cause, Finding } from '../../../../src/core/model/result.js';
import { causeStories, severityOf } from '../../../../src/report/answer/cause-stories.js';
import { findings, result, step } from '../../../support/report/fixture.js';

const heard = (code: Cause['code'], place: string) =>
  findings('a', 'b', 'raw', { c: 7 }, { causes: [{ code, place, value: '', text: '', fix: '' }] });
const storiesOf = (code: Cause['code'], ...places: readonly string[]): readonly (readonly string[])[] =>
  causeStories(result(places.map((place) => step(place, { asExpected: false, findings: heard(code, place) })))).map(
    ({ group }) => group.causes.flatMap((cause) => cause.places),
  );

describe('severity, by what an attacker gains', () => {
  const [group] = causeStories(result([step('x', { asExpected: false, findings: heard('ageing-zero', 'br0.x') })]));
  if (group === undefined) throw new Error('no story');
  it.each([
    ['high', 'overheard unicast', {}],
    ['high', 'own traffic of guests', { classes: ['http'], from: ['*'] }],
    ['high', 'an attack that reaches its victim', { classes: ['arp-spoof'], observers: ['b'] }],
    ['medium', 'unicast that only reaches its addressee', { observers: ['b'] }],
    ['medium', 'frames to unknown addresses', { classes: ['unknown-unicast'], to: [null] }],
    ['low', 'broadcasts', { classes: ['broadcast'], to: [null] }],
    ['high', 'the worst of several', { classes: ['broadcast', 'known-unicast'] }],
  ] as const)('%s: %s', (severity, _, change) => {
    expect(severityOf({ ...group.group, ...change })).toBe(severity);
  });

  const hub: Partial<Finding> = { causes: [{ code: 'ageing-zero', place: 'br0.x', value: '', text: '', fix: '' }] };
  const between = (from: string, to: string, observer: string): readonly Finding[] =>
    findings(from, to, 'raw', { [observer]: 7 }, { ...hub, leak: true });

  it('is high where each overhears the others, and all are addressees too', () => {
    const rows = [...between('a', 'b', 'c'), ...between('b', 'c', 'a'), ...between('c', 'a', 'b')];
    expect(causeStories(result([step('x', { asExpected: false, findings: rows })]))[0]?.severity).toBe('high');
  });

  it('is that of the worst step, and no mixture of the steps', () => {
    const steps = [between('a', 'b', 'c'), between('b', 'c', 'c')].map((rows) =>
      step('x', { asExpected: false, findings: rows }),
    );
    expect(causeStories(result(steps)).map(({ severity }) => severity)).toEqual(['high']);
  });

  it('is medium where each frame reached its addressee alone', () => {
    const rows = [...between('a', 'b', 'b'), ...between('b', 'a', 'a')];
    expect(causeStories(result([step('x', { asExpected: false, findings: rows })]))[0]?.severity).toBe('medium');
  });

  it('comes first, however few its frames are', () => {
    const broadcasts = findings('a', 'b', 'raw', { c: 7, d: 7, e: 7 }).map((row) => ({
      ...row,
      class: 'broadcast' as const,
      to: null,
      causes: [{ code: 'unknown-flood' as const, place: 'p.flood', value: '', text: '', fix: '' }],
    }));
    const steps = [step('x', { asExpected: false, findings: [...broadcasts, ...heard('ageing-zero', 'br0.x')] })];
    expect(causeStories(result(steps)).map(({ severity }) => severity)).toEqual(['high', 'low']);
  });
});

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
