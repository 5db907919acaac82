import { describe, expect, it } from 'vitest';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { expandTokenWord, searchDepth, searchDepthsOf, tokenWord } from '../../../../src/core/wire/token-filter.js';
import { scenario, step } from '../../../support/judge/perfect-run.js';

const places = (filter: string): readonly number[] =>
  [...filter.matchAll(/ether\[(\d+):4\]/g)].map(([, at]) => Number(at));

describe('a filter by the run’s tag', () => {
  it('looks for it at every place behind the Ethernet header, in ascending order, to the end of its depth', () => {
    const found = places(expandTokenWord(tokenWord(0xabcdef), searchDepth));
    expect(found).toEqual(Array.from({ length: 493 }, (_, at) => 16 + at));
    expect(expandTokenWord(tokenWord(0xabcdef), searchDepth)).toMatch(/^ether\[16:4\] = 0x00abcdef or /);
    expect(places(expandTokenWord(tokenWord(1), 160)).at(-1)).toBe(156);
  });
  it('stays behind what else the filter says, which is what it was', () => {
    expect(expandTokenWord(`ether src 02:00:00:00:00:01 or ${tokenWord(7)}`, 24)).toBe(
      'ether src 02:00:00:00:00:01 or ether[16:4] = 0x00000007 or ether[17:4] = 0x00000007 or ether[18:4] = 0x00000007 or ether[19:4] = 0x00000007 or ether[20:4] = 0x00000007',
    );
    expect(expandTokenWord('ether src 02:00:00:00:00:01', 512)).toBe('ether src 02:00:00:00:00:01');
  });
  it('is tried less deep where a kernel takes no program of that length', () => {
    expect(searchDepthsOf(tokenWord(7))).toEqual([512, 160]);
    expect(searchDepthsOf('')).toEqual([512]);
  });
  it('is that of a step that probes; one that lets programs talk, or listens, has its own', () => {
    const filter = (over: Partial<ReturnType<typeof step>>, provider: 'lab' | 'host'): string | undefined => {
      const of = scenario([step(over)]);
      return makePlan({ ...of, topology: { ...of.topology, provider } }, { runTag: 7, keySha256: '00' }).steps[0]
        ?.filter;
    };
    const traffic = [
      { kind: 'http', from: 'a', to: 'b', requests: 1, bytes: 1, maySee: null, mustSee: null, seen: [] },
    ] as const;
    expect([
      filter({}, 'host'),
      filter({}, 'lab'),
      filter({ traffic }, 'host'),
      filter({ listenMs: 5 }, 'host'),
      filter({ probes: [], traffic }, 'host'),
    ]).toEqual([
      'token 0x00000007',
      expect.stringMatching(/^ether src .* or token 0x00000007$/),
      expect.stringMatching(/^ether src .* or token 0x00000007$/),
      '',
      expect.stringMatching(/^ether src ((?!token).)*$/),
    ]);
  });
});
