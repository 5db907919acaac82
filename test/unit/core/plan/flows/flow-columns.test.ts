import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Flow, Flows } from '../../../../../src/core/model/plan.js';
import { flowCollector } from '../../../../../src/core/plan/flows/flow-collector.js';
import { carriedFlows, flowTable, maxListed } from '../../../../../src/core/plan/flows/flow-table.js';
import { parsePositions, positionText } from '../../../../../src/core/plan/flows/position-text.js';
import { flow as base } from '../../../../support/judge/row-fixture.js';

const list = fc.constantFrom<readonly string[]>([], ['b'], ['b', 'c'], ['c', 'b']);
const tags = fc.constantFrom<readonly number[]>([], [10], [10, 20]);
const address = fc.constantFrom('10.0.0.1', '10.0.0.2', null);
const parts = fc.record({
  probe: fc.nat(1),
  class: fc.constantFrom('known-unicast', 'broadcast'),
  from: fc.constantFrom('a', 'b'),
  to: fc.constantFrom('b', 'c', null),
  sender: fc.constantFrom('a', 'c'),
  count: fc.integer({ min: 1, max: 3 }),
  must: list,
  may: list,
  judged: fc.boolean(),
  purpose: fc.constantFrom('stimulus', 'restore', undefined),
  variant: fc.constantFrom('cdp', 'root', undefined),
  frame: fc.record({
    carrier: fc.constantFrom('raw', 'ipv4-udp'),
    srcMac: fc.constantFrom('02:00:00:00:00:01', '02:00:00:00:00:02'),
    dstMac: fc.constantFrom('02:00:00:00:00:03', '02:00:00:00:00:04'),
    vlan: tags,
    srcIp: address,
    dstIp: address,
    size: fc.constantFrom(60, 99),
    form: fc.constantFrom('bpdu', 'llc-snap', undefined),
  }),
});
type Parts = typeof parts extends fc.Arbitrary<infer T> ? T : never;

const plain: Parts = {
  probe: 0,
  class: 'known-unicast',
  from: 'a',
  to: 'b',
  sender: 'a',
  count: 2,
  must: ['b'],
  may: ['b'],
  judged: true,
  purpose: undefined,
  variant: undefined,
  frame: {
    carrier: 'raw',
    srcMac: '02:00:00:00:00:01',
    dstMac: '02:00:00:00:00:03',
    vlan: [],
    srcIp: null,
    dstIp: null,
    size: 60,
    form: undefined,
  },
};

/** Flows of these parts; ids and tokens number through. */
function flowsOf(made: readonly Parts[], id: number, first: number): readonly Flow[] {
  let next = first;
  return made.map(({ purpose, variant, frame: { form, ...frame }, ...rest }, at): Flow => {
    next += rest.count;
    return {
      ...rest,
      carrier: frame.carrier,
      vlan: frame.vlan,
      id: id + at,
      step: 3,
      first: next - rest.count,
      ...(purpose === undefined ? {} : { purpose }),
      ...(variant === undefined ? {} : { variant }),
      frame: { ...frame, ...(form === undefined ? {} : { form }) },
    };
  });
}

function collected(flows: readonly Flow[], id = 0, first = 0): Flows {
  const collector = flowCollector({ step: 3, id, first });
  for (const flow of flows) collector.add(flow, flow);
  return collector.finish();
}

describe('flows in columns', () => {
  it('come out as they went in, whatever differs between them', () => {
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 12 }), fc.nat(9), fc.nat(9), (made, id, first) => {
        const flows = flowsOf(made, id, first);
        const table = collected(flows, id, first);
        expect([...table]).toEqual(flows);
        expect(table.length).toBe(flows.length);
        expect([table.at(-1), table.at(flows.length)]).toEqual([undefined, undefined]);
        flows.forEach((flow, at) => expect(table.at(at)).toEqual(flow));
      }),
    );
  });
  it.each<[string, Partial<Parts>]>([
    ['probe', { probe: 1 }],
    ['class', { class: 'broadcast' }],
    ['sender by name', { from: 'b' }],
    ['who transmits', { sender: 'c' }],
    ['addressee', { to: 'c' }],
    ['count', { count: 3 }],
    ['who must see it', { must: ['c'] }],
    ['who may', { may: ['b', 'c'] }],
    ['whether it is judged', { judged: false }],
    ['purpose', { purpose: 'restore' }],
    ['variant', { variant: 'cdp' }],
    ['carrier', { frame: { ...plain.frame, carrier: 'ipv4-udp' } }],
    ['form', { frame: { ...plain.frame, form: 'bpdu' } }],
    ['length', { frame: { ...plain.frame, size: 99 } }],
    ['tags', { frame: { ...plain.frame, vlan: [10] } }],
    ['order of two tags', { frame: { ...plain.frame, vlan: [20, 10] } }],
    ['source MAC', { frame: { ...plain.frame, srcMac: '02:00:00:00:00:02' } }],
    ['destination MAC', { frame: { ...plain.frame, dstMac: '02:00:00:00:00:04' } }],
    ['source address', { frame: { ...plain.frame, srcIp: '10.0.0.1' } }],
    ['destination address', { frame: { ...plain.frame, dstIp: '10.0.0.2' } }],
  ])('are told apart where nothing differs but the %s, one after the other and with others between', (_, over) => {
    const changed = { ...plain, ...over };
    const tagged = { ...plain, frame: { ...plain.frame, vlan: [10, 20] } };
    const flows = flowsOf([plain, changed, plain, tagged, changed, plain], 0, 0);
    expect([...collected(flows)]).toEqual(flows);
  });
  it('answer as a list would', () => {
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 6 }), (made) => {
        const flows = flowsOf(made, 0, 0);
        const table = collected(flows);
        const judged = ({ judged: is }: Flow, index: number): boolean => is && index > 0;
        expect([
          table.map(({ id }, at) => id + at),
          table.flatMap(({ may }, at) => [...may, at]),
          table.filter(judged),
          table.some(judged),
          table.every(judged),
          table.reduce((sum, { count }, at) => sum + count * at, 5),
        ]).toEqual([
          flows.map(({ id }, at) => id + at),
          flows.flatMap(({ may }, at) => [...may, at]),
          flows.filter(judged),
          flows.some(judged),
          flows.every(judged),
          flows.reduce((sum, { count }, at) => sum + count * at, 5),
        ]);
      }),
    );
  });
  it('keep what is alike once, however many there are', () => {
    const many = 3000;
    const record: unknown = JSON.parse(
      JSON.stringify(
        collected(
          Array.from(
            { length: many },
            (_, id): Flow => ({ ...base, id, step: 3, first: id * base.count, to: id % 2 === 0 ? 'b' : 'c' }),
          ),
        ),
      ),
    );
    expect(record).toMatchObject({ step: 3, id: 0, first: 0, length: many, form: `0*${many}`, source: `0*${many}` });
    expect(record).toHaveProperty('forms.length', 1);
    expect(record).toHaveProperty('aims.length', 2);
  });
  it('that name a place which is not there are none', () => {
    const columns = {
      step: 0,
      id: 0,
      first: 0,
      forms: [],
      sources: [],
      aims: [],
      form: Uint32Array.of(0),
      source: Uint32Array.of(0),
      aim: Uint32Array.of(0),
    };
    const table = flowTable(columns);
    expect([
      table.at(0),
      [...table],
      table.filter(() => true),
      table.some(() => true),
      table.every(() => false),
      table.map(() => 1),
      table.flatMap(() => [1]),
      table.reduce((sum) => sum + 1, 0),
    ]).toEqual([undefined, [], [], false, true, [], [], 0]);
  });
});

describe('positions as text', () => {
  it('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { minLength: 1, maxLength: 40 }), (positions) => {
        expect([...(parsePositions(positionText(Uint32Array.from(positions)), positions.length, 5) ?? [])]).toEqual(
          positions,
        );
      }),
    );
  });
  it('are refused where they say less, more, or what is not in the list', () => {
    for (const [text, count, listed] of [
      ['0', 2, 1],
      ['0,0,0', 2, 1],
      ['1', 1, 1],
      ['-1', 1, 1],
      ['0.5', 1, 2],
      ['0*0', 1, 1],
      ['0*-1', 1, 1],
      ['0*1.5', 1, 1],
      ['0*2', 1, 1],
      ['0,0*2', 2, 1],
      ['a', 1, 1],
      ['0*x', 1, 1],
    ] as const)
      expect(parsePositions(text, count, listed), text).toBeNull();
    expect(parsePositions('0*2', 2, 1)).toEqual(Uint32Array.of(0, 0));
  });
});

describe('flows that JSON carried to another process', () => {
  /** As a process that judges gets them: with nothing that JSON does not carry. */
  const carried = (flows: Flows, change: object = {}): ReturnType<typeof carriedFlows> =>
    carriedFlows({ ...JSON.parse(JSON.stringify({ flows })).flows, ...change });
  const many = flowsOf(
    Array.from({ length: maxListed + 1 }, (_, at) => ({ ...plain, count: 1 + (at % 3), to: at % 2 === 0 ? 'b' : 'c' })),
    4,
    9,
  );

  it('are the same where they are many, and go as columns', () => {
    const came = carried(collected(many, 4, 9));
    expect(came?.length).toBe(maxListed + 1);
    expect(came?.at(maxListed)).toMatchObject({
      id: 4 + maxListed,
      step: 3,
      from: 'a',
      to: 'b',
      first: many.at(-1)?.first,
    });
    expect(came?.map(({ first, count, to }) => [first, count, to])).toEqual(
      many.map(({ first, count, to }) => [first, count, to]),
    );
  });

  it('are the same where they are few, and go one by one', () => {
    const few = flowsOf([plain, { ...plain, to: 'c' }], 0, 0);
    expect(carriedFlows(JSON.parse(JSON.stringify(collected(few))))).toEqual(few);
  });

  it('are none where their columns do not fit together', () => {
    for (const change of [{ length: maxListed }, { forms: [] }, { sources: [] }, { aims: [] }, { form: '' }])
      expect(carried(collected(many, 4, 9), change)).toBeNull();
  });
});
