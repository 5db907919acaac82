import { describe, expect, it } from 'vitest';
import { rawControl } from '../../../../src/core/plan/ingress-controls.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { filterByToken } from '../../../../src/core/plan/filter-by-token.js';
import { scenario, step } from '../../../support/judge/perfect-run.js';

const raw = rawControl('52:54:00:00:00:01');
const places = (filter: string): readonly number[] =>
  [...filter.matchAll(/ether\[(\d+):4\]/g)].map(([, at]) => Number(at));

describe('a filter by the run’s tag', () => {
  it('looks for it two octets into the token, tags gone or come, and nowhere in the addresses', () => {
    expect(filterByToken([raw], 0xabcdef)).toBe(
      'ether[16:4] = 0x00abcdef or ether[20:4] = 0x00abcdef or ether[24:4] = 0x00abcdef',
    );
    expect(places(filterByToken([{ ...raw, carrier: 'ipv4-udp', srcIp: '10.0.0.1', dstIp: '10.0.0.2' }], 1))).toEqual([
      36, 40, 44, 48, 52,
    ]);
  });
  it('looks at each place once, in ascending order, for all forms together', () => {
    const tagged = { ...raw, vlan: [10] };
    expect(places(filterByToken([{ ...tagged, vlan: [10, 20] }, raw, raw, tagged], 1))).toEqual([16, 20, 24, 28, 32]);
    expect(filterByToken([], 1)).toBe('');
  });
  it('is that of a host’s step that probes; one that lets programs talk, or listens, has its own', () => {
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
      expect.stringMatching(/^ether\[16:4\] = 0x00000007/),
      expect.stringMatching(/^ether src /),
      expect.stringMatching(/^ether src /),
      '',
      expect.stringMatching(/^ether src /),
    ]);
  });
});
