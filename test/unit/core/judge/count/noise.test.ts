import { describe, expect, it } from 'vitest';
import { countNoise, noiseAt, noiseText } from '../../../../../src/core/judge/count/noise.js';
import type { StepTally } from '../../../../../src/core/judge/count/tally.js';

const counted = (
  ...frames: readonly (readonly [observer: string, source: string, towards: boolean, times: number])[]
): StepTally['noise'] => {
  const noise: StepTally['noise'] = new Map();
  for (const [observer, source, towards, times] of frames)
    for (let at = 0; at < times; at += 1) countNoise(noise, observer, source, towards);
  return noise;
};

describe('noise at an observer', () => {
  it('is told by its three loudest sources, in both directions, with the port where most of each entered', () => {
    const noise = counted(
      ['c', 'm1', true, 5],
      ['c', 'm1', false, 1],
      ['a', 'm1', false, 2],
      ['b', 'm1', false, 3],
      ['c', 'm2', true, 9],
      ['c', 'm3', true, 7],
      ['c', 'm4', true, 1],
      ['a', 'm4', false, 99],
    );
    expect(noiseAt(noise, 'c')).toEqual([
      { source: 'm2', frames: 9, enteredAt: null },
      { source: 'm3', frames: 7, enteredAt: null },
      { source: 'm1', frames: 6, enteredAt: 'b' },
    ]);
    expect(noiseAt(noise, 'nobody')).toEqual([]);
  });
  it('is in the order of the addresses where sources are as loud', () => {
    expect(
      noiseAt(counted(['c', 'm2', true, 2], ['c', 'm1', true, 2], ['c', 'm3', true, 3]), 'c').map(
        ({ source }) => source,
      ),
    ).toEqual(['m3', 'm1', 'm2']);
  });
  it('entered at the first of ports where it is as much', () =>
    expect(noiseAt(counted(['c', 'm', true, 1], ['a', 'm', false, 2], ['b', 'm', false, 2]), 'c')[0]?.enteredAt).toBe(
      'a',
    ));
  it('of a source beyond 4,096 is told together, that of a known one still by itself', () => {
    const noise: StepTally['noise'] = new Map();
    for (let at = 0; at < 4098; at += 1) countNoise(noise, 'c', `m${at}`, true);
    countNoise(noise, 'c', 'm4095', true);
    countNoise(noise, 'a', '*', false);
    expect(noiseAt(noise, 'c').slice(0, 2)).toEqual([
      { source: '*', frames: 2, enteredAt: null },
      { source: 'm4095', frames: 2, enteredAt: null },
    ]);
  });
});

describe('who flooded, in words', () => {
  const source = { source: 'm1', frames: 6, enteredAt: 'b' };
  it('is the loudest, where noise is half of what was captured', () => {
    expect(noiseText([source], 12)).toBe('6 of 12 frames there were noise from m1, which entered at b');
    expect(noiseText([source, { ...source, source: 'm2', frames: 4 }], 20)).toBe(
      '6 of 20 frames there were noise from m1, which entered at b',
    );
    expect(noiseText([{ ...source, enteredAt: null }], 6)).toBe('6 of 6 frames there were noise from m1');
    expect(noiseText([{ source: '*', frames: 6, enteredAt: null }], 6)).toBe(
      '6 of 6 frames there were noise from other sources',
    );
  });
  it('is the run itself where it is less, or there is none', () => {
    expect(noiseText([source], 13)).toMatch(/the run’s own/);
    expect(noiseText([], 0)).toMatch(/the run’s own/);
  });
});
