import { describe, expect, it } from 'vitest';
import type { Flow, TrafficPlan } from '../../../../src/core/model/plan.js';
import { filterByMac } from '../../../../src/core/plan/filter-by-mac.js';
import { ingressMac } from '../../../../src/core/plan/ingress-controls.js';
import { flow as base } from '../../../support/judge/row-fixture.js';
import { mac, endpoints, flowOf, talk } from '../../../support/plan/control-fixture.js';

const runTag = 0x1234abcd;

describe('the capture filter', () => {
  const filter = (
    flows: readonly Flow[],
    traffic: readonly TrafficPlan[] = [],
    listens = false,
    bridgeMacs: Readonly<Record<string, string>> = { br0: mac.bridge },
  ): string => filterByMac({ flows, traffic, listenMs: listens ? 1 : null }, { endpoints, bridgeMacs, runTag });
  const sources = (text: string): readonly string[] =>
    text.split(' or ').flatMap((part) => /^ether src (.+)$/.exec(part)?.slice(1) ?? []);
  it.each([
    [filter([base]), [mac.a, mac.bridge, ingressMac]],
    [filter([flowOf({}, { srcMac: '02:00:00:00:00:99' })]), ['02:00:00:00:00:99', mac.a, mac.bridge, ingressMac]],
    [filter([], [talk]), [mac.a, mac.lan, mac.bridge, ingressMac]],
    [filter([base], [talk]), [mac.a, mac.lan, mac.bridge, ingressMac]],
  ])('lets through what the step sends, what the bridges route, and controls that enter: case %#', (text, expected) =>
    expect(sources(text)).toEqual(expected),
  );
  it('lets through what carries the run’s token, whatever its MACs have become; where nothing is probed it need not', () => {
    expect(filter([base])).toMatch(/ or token 0x1234abcd$/);
    expect(filter([], [talk])).not.toContain('token');
  });
  it('lets through no more of who is not known, or has several MACs, than is sent', () => {
    expect(sources(filter([flowOf({ sender: 'gone' })], [{ ...talk, from: 'gone', to: 'gone' }]))).toEqual([
      mac.a,
      mac.bridge,
      ingressMac,
    ]);
    const several = new Map(
      [...endpoints].map(([name, endpoint]) => [
        name,
        { ...endpoint, macs: [...endpoint.macs, `02:00:00:00:0${name.length}:99`] },
      ]),
    );
    expect(
      sources(
        filterByMac(
          { flows: [flowOf({}, { srcMac: '02:00:00:00:00:77' })], traffic: [], listenMs: null },
          { endpoints: several, bridgeMacs: {}, runTag },
        ),
      ),
    ).toEqual(['02:00:00:00:00:77', mac.a, ingressMac]);
  });
  it('takes everything where the step listens, sweeps sources, sends nothing, or has more sources than a filter is worth', () => {
    expect(filter([base], [], true)).toBe('');
    expect(filter([base, flowOf({}, { form: 'source-sweep' })])).toBe('');
    expect(filter([])).toBe('');
    const many = (count: number): readonly Flow[] =>
      Array.from({ length: count }, (_, at) =>
        flowOf({}, { srcMac: `02:00:00:00:01:${at.toString(16).padStart(2, '0')}` }),
      );
    expect(sources(filter(many(13)))).toHaveLength(16);
    expect(filter(many(14))).toBe('');
    expect(filter(many(17))).toBe('');
  });
});
