import { describe, expect, it } from 'vitest';
import { frameForms } from '../../../../../src/core/model/plan.js';
import { forms } from '../../../../../src/core/probe/frames/forms.js';
import { buildFrame, buildFrames, leastSizeOf } from '../../../../../src/core/probe/frames/frame.js';
import { describeFrame } from '../../../../../src/core/wire/frame-view.js';
import { findToken, tokensFor } from '../../../../../src/core/wire/token.js';
import { key, runTag, token, spec, table } from '../../../../support/probe/form-fixture.js';

const named = table.map(([frame, line]) => ({ one: frame, line, name: `${frame.form ?? ''} of ${frame.carrier}` }));

describe('a form of frame', () => {
  it('is in this test, each of them', () => {
    expect([...new Set(table.map(([frame]) => frame.form))].sort()).toEqual([...frameForms].sort());
    expect(Object.keys(forms).sort()).toEqual([...frameForms].sort());
  });

  it.each(named)('carries a token, and its planned addresses can be read back: $name', ({ one: spec }) => {
    const frame = buildFrame(spec, token);
    expect(frame).toHaveLength(spec.size);
    expect(findToken(frame, 0, frame.length, runTag, -1)?.index).toBe(42);
    const { dstMac, vlan, srcIp, dstIp } = spec;
    expect(describeFrame(frame)).toMatchObject({ dstMac, vlan, srcIp, dstIp });
  });

  it.each(named)('has room for more, and none for less: $name', ({ one: frame }) => {
    const least = leastSizeOf(frame);
    expect(buildFrame({ ...frame, size: least + 41 }, token)).toHaveLength(least + 41);
    expect(() => buildFrame({ ...frame, size: least - 1 }, token)).toThrow(/needs/);
  });

  it('of a sweep has another source in each frame', () => {
    const many = buildFrames(spec('source-sweep', 'raw'), tokensFor(key, runTag, 7, 3));
    expect([0, 1, 2].map((i) => describeFrame(many.subarray(i * 60, (i + 1) * 60))?.srcMac)).toEqual([
      '06:78:00:00:00:07',
      '06:78:00:00:00:08',
      '06:78:00:00:00:09',
    ]);
  });
});
