import { describe, expect, it } from 'vitest';
import { probeRow, provenOf } from '../../../../../src/core/judge/rows/probe-row.js';
import { rowsOf } from '../../../../../src/core/judge/rows/rows.js';
import type { Flow } from '../../../../../src/core/model/plan.js';
import type { Accepted } from '../../../../../src/core/model/scenario.js';
import { flow, observerC, step } from '../../../../support/judge/row-fixture.js';
import { input, sees } from '../../../../support/judge/row-input.js';

describe('a row', () => {
  it('counts what of a flow an observer saw, against who had to see it', () => {
    const rows = input(sees('b', 18));
    expect(provenOf(flow, rows)).toBe(18);
    expect(probeRow(flow, observerC, rows)).toEqual({
      probe: 0,
      class: 'known-unicast',
      carrier: 'raw',
      vlan: [],
      from: 'a',
      to: 'b',
      observer: 'c',
      sent: 20,
      seen: 0,
      allowed: 'no',
      leak: false,
      upperBound95: 0.154,
      direction: 'known',
      firstSighting: null,
      causes: [],
    });
  });
  it('of a flow that several must see is bounded by who got least, of one that nobody must by what was sent', () => {
    const both = { ...flow, must: ['b', 'lan'] };
    expect(
      provenOf(
        both,
        input((tally) => {
          sees('b', 18)(tally);
          sees('lan', 7)(tally);
        }),
      ),
    ).toBe(7);
    expect(
      provenOf(
        { ...flow, must: [] },
        input(() => {}),
      ),
    ).toBe(20);
  });
  it('that leaks has its first frame and no bound', () => {
    expect(probeRow(flow, observerC, input(sees('c', 2)))).toMatchObject({
      seen: 2,
      leak: true,
      upperBound95: null,
      firstSighting: { file: 'evidence.pcapng', frame: 5, at: '2023-11-14T22:13:20.123456789Z' },
    });
  });
  it('of who must or may see it is no leak and has no bound', () => {
    expect(probeRow({ ...flow, must: ['c'], may: ['c'] }, observerC, input(sees('c', 2)))).toMatchObject({
      allowed: 'must',
      leak: false,
      upperBound95: null,
    });
    expect(probeRow({ ...flow, must: ['b'], may: ['c'] }, observerC, input(sees('c', 2)))).toMatchObject({
      allowed: 'may',
      leak: false,
      upperBound95: null,
    });
  });
  it('names its variant, where a class has several', () => {
    expect(
      probeRow(
        { ...flow, variant: 'cdp' },
        observerC,
        input(() => {}),
      ),
    ).toMatchObject({ variant: 'cdp' });
    expect(
      probeRow(
        flow,
        observerC,
        input(() => {}),
      ),
    ).not.toHaveProperty('variant');
  });
  it('says where a direction was inferred', () => {
    const rows = input(() => {});
    const inferred = {
      ...rows,
      facts: {
        ...rows.facts,
        listening: new Map(
          [...rows.facts.listening].map(([name, facts]) => [name, { ...facts, direction: 'inferred' as const }]),
        ),
      },
    };
    expect(probeRow(flow, observerC, inferred).direction).toBe('inferred');
    expect(probeRow(flow, observerC, { ...rows, facts: { ...rows.facts, listening: new Map() } }).direction).toBe(
      'known',
    );
  });

  const accept = (over: Partial<Accepted>): Accepted => ({
    observer: 'c',
    class: 'known-unicast',
    reason: 'known',
    owner: 'ops',
    ticket: 'T-1',
    until: null,
    ...over,
  });
  it.each<[string, Accepted, boolean]>([
    ['for good', accept({}), true],
    ['to a day to come', accept({ until: '2026-01-16' }), true],
    ['to this day', accept({ until: '2026-01-15' }), true],
    ['to a day that has passed', accept({ until: '2026-01-14' }), false],
    ['at another observer', accept({ observer: 'b' }), false],
    ['of another class', accept({ class: 'broadcast' }), false],
  ])('that is accepted %s', (_, acceptance, accepted) => {
    const row = probeRow(flow, observerC, input(sees('c', 1), { expect: { ...step.expect, accept: [acceptance] } }));
    expect(row.leak).toBe(true);
    if (accepted)
      expect(row.accepted).toEqual({ reason: 'known', owner: 'ops', ticket: 'T-1', until: acceptance.until });
    else expect(row).not.toHaveProperty('accepted');
  });
});

describe('the rows of a step', () => {
  it('are those of judged flows at judged observers, never of who sends', () => {
    const unjudged: Flow = { ...flow, id: 1, from: 'b', to: 'c', judged: false };
    const lent: Flow = { ...flow, id: 2, from: 'a', sender: 'c' };
    const { rows } = rowsOf(
      input(() => {}, {
        flows: [flow, unjudged, lent],
        observers: step.observers.map((observer) => ({
          ...observer,
          judged: observer.name !== 'lan' && observer.judged,
        })),
      }),
    );
    expect(rows.map(({ from, observer }) => `${from} at ${observer}`)).toEqual(['a at b', 'a at c', 'a at b']);
  });
});
