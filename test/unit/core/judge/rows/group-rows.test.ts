import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type StepTally } from '../../../../../src/core/judge/count/tally.js';
import { LeakFolder } from '../../../../../src/core/judge/rows/folded-leaks.js';
import { groupedRows, type Grouping } from '../../../../../src/core/judge/rows/group-rows.js';
import { probeRow } from '../../../../../src/core/judge/rows/probe-row.js';
import type { RowInput } from '../../../../../src/core/judge/rows/probe-row.js';
import type { Flow } from '../../../../../src/core/model/plan.js';
import type { Finding } from '../../../../../src/core/model/result.js';
import { flow, step } from '../../../../support/judge/row-fixture.js';
import { input, sees } from '../../../../support/judge/row-input.js';

const grouping = (single: ReadonlySet<string> = new Set()): Grouping => ({
  single,
  folder: new LeakFolder(() => 0, Infinity),
  exposures: new LeakFolder(() => 0, 0),
  open: () => false,
});

describe('grouped rows', () => {
  const names = ['a', 'b', 'c', 'lan'];
  const pairs = names.flatMap((from) => names.filter((to) => to !== from).map((to) => ({ from, to })));
  const numbered = (id: number) => ({ id, count: 2, first: 2 * id });
  const toA = { ...flow, from: 'b', to: 'a', sender: 'b', must: ['a'], may: [] };
  const flows: readonly Flow[] = [
    ...pairs.map(
      ({ from, to }, id): Flow => ({
        ...flow,
        ...{ from, to, sender: from, must: [to], may: [] },
        ...numbered(id),
      }),
    ),
    { ...flow, ...numbered(12), from: 'a', to: null, sender: 'a', must: [], may: ['lan'] },
    { ...toA, ...numbered(13), judged: false },
    { ...toA, ...numbered(14), sender: 'c', variant: 'cdp' },
    { ...toA, ...numbered(15), vlan: [10] },
  ];
  const judged = step.observers.filter((observer) => observer.judged);
  const sighting = fc.record({
    flow: fc.nat(flows.length - 1),
    sequence: fc.nat(1),
    observer: fc.constantFrom(...names),
  });

  /** Rows as each for itself: what `like` says, and the sums of frames. */
  const sums = (rows: readonly Finding[]): unknown => {
    const table = new Map<string, { rows: number; sent: number; seen: number }>();
    for (const {
      probe,
      class: name,
      carrier,
      vlan,
      variant,
      to,
      observer,
      allowed,
      leak,
      grouped,
      sent,
      seen,
    } of rows) {
      const key = JSON.stringify([probe, name, carrier, vlan, variant ?? '', to === null, observer, allowed, leak]);
      const sums = table.get(key) ?? { rows: 0, sent: 0, seen: 0 };
      table.set(key, { rows: sums.rows + (grouped ?? 1), sent: sums.sent + (sent ?? 0), seen: sums.seen + seen });
    }
    return [...table].sort(([x], [y]) => (x < y ? -1 : 1));
  };
  const everySingle = (input: RowInput): readonly Finding[] =>
    flows
      .filter((each) => each.judged)
      .flatMap((each) =>
        judged
          .filter(({ name }) => name !== each.from && name !== each.sender)
          .map((observer) => probeRow(each, observer, input)),
      );
  const filled = (
    list: readonly { readonly flow: number; readonly sequence: number; readonly observer: string }[],
  ): RowInput => {
    const rows = input(() => {}, { flows });
    for (const { flow: at, sequence, observer } of list)
      rows.tally.sightings.addToken(flows[at] ?? flow, sequence, observer, { frame: 1, high: 0, low: 1 });
    for (const each of flows) rows.facts.accepted.add(each.first, each.count);
    return rows;
  };

  it('say the same as every row by itself, and hide no leak and no loss', () => {
    fc.assert(
      fc.property(fc.array(sighting, { maxLength: 40 }), fc.subarray(names), (list, single) => {
        const input = filled(list);
        const grouped = groupedRows(input, judged, grouping(new Set(single)));
        const each = everySingle(input);
        expect(sums(grouped)).toEqual(sums(each));
        const key = ({ from, to, observer, vlan, variant, seen }: Finding): string =>
          JSON.stringify([from, to, observer, vlan, variant ?? '', seen]);
        const keys = (rows: readonly Finding[]) => rows.map(key).sort();
        const leaks = (rows: readonly Finding[]) => keys(rows.filter(({ leak }) => leak));
        expect(leaks(grouped)).toEqual(leaks(each));
        expect(
          grouped.filter((row) => row.grouped !== undefined && (row.leak || single.includes(row.observer))),
        ).toEqual([]);
        const short = ({ allowed, seen, sent }: Finding): boolean =>
          allowed !== 'no' && seen !== sent && !(seen === 0 && allowed === 'may');
        const singles = grouped.filter((row) => row.grouped === undefined);
        expect(keys(singles.filter(short))).toEqual(keys(each.filter(short)));
        expect(
          grouped.filter(
            (row) => row.grouped !== undefined && row.allowed !== 'no' && row.seen !== row.sent && row.seen !== 0,
          ),
        ).toEqual([]);
      }),
    );
  });

  it('are bounded by all frames that they stand for, and told in the order of the observers', () => {
    const sightings = flows.flatMap(({ must, count }, at) =>
      must.flatMap((observer) => Array.from({ length: count }, (_, sequence) => ({ flow: at, sequence, observer }))),
    );
    const rows = groupedRows(filled(sightings), judged, grouping());
    const plainKind = rows.filter(({ vlan, variant, to }) => vlan.length === 0 && variant === undefined && to === '*');
    expect(
      plainKind.map(({ observer, allowed, grouped, sent, seen, upperBound95, from }) => [
        observer,
        allowed,
        grouped,
        sent,
        seen,
        upperBound95,
        from,
      ]),
    ).toEqual([
      ['a', 'must', 3, 6, 6, null, '*'],
      ['b', 'must', 3, 6, 6, null, '*'],
      ['c', 'must', 3, 6, 6, null, '*'],
      ['lan', 'must', 3, 6, 6, null, '*'],
      ...names.map((name) => [name, 'no', 6, 12, 0, 0.221, '*']),
    ]);
    expect(rows.find(({ to }) => to === null)).toMatchObject({ from: '*', to: null });
    expect(rows.find(({ variant }) => variant !== undefined)).toMatchObject({ variant: 'cdp' });
  });

  const reported = (list: readonly Flow[], seen: (tally: StepTally) => void = () => {}): readonly string[] => {
    const rows = input(seen, { flows: list });
    for (const each of list) rows.facts.accepted.add(each.first, each.count);
    return groupedRows(rows, judged, grouping()).map(
      ({ probe, class: name, carrier, vlan, variant, from, to, observer, allowed, sent, seen: frames, grouped }) =>
        [
          probe,
          name,
          carrier,
          vlan.join(),
          variant ?? '',
          `${from}>${to ?? ''}`,
          observer,
          allowed,
          `${frames}/${sent ?? '?'}`,
          grouped ?? 'single',
        ].join(' '),
    );
  };
  /** Three flows of a to nobody who must see it; the second differs. */
  const between = (over: Partial<Flow>): readonly Flow[] =>
    [{}, over, {}].map((more, id): Flow => ({ ...flow, id, first: 10 * id, count: 2, must: [], may: [], ...more }));
  const atC = (list: readonly string[]): readonly string[] => list.filter((text) => text.includes(' c no '));

  it.each<[string, Partial<Flow>, string]>([
    ['probe', { probe: 1 }, '1 known-unicast raw   *>* c no 0/2 1'],
    ['class', { class: 'broadcast' }, '0 broadcast raw   *>* c no 0/2 1'],
    ['carrier', { carrier: 'arp' }, '0 known-unicast arp   *>* c no 0/2 1'],
    ['variant', { variant: 'cdp' }, '0 known-unicast raw  cdp *>* c no 0/2 1'],
    ['VLAN', { vlan: [10] }, '0 known-unicast raw 10  *>* c no 0/2 1'],
    ['addressee, there being none', { to: null }, '0 known-unicast raw   *> c no 0/2 1'],
  ])('are apart where flows have another %s, and together again after it', (_, over, key) => {
    expect(atC(reported(between(over)))).toEqual(['0 known-unicast raw   *>* c no 0/4 2', key]);
  });
  it('are together whoever sends to whom, and wherever equal tags stand', () => {
    expect(atC(reported(between({ from: 'b', sender: 'b', to: 'a' })))).toEqual([
      '0 known-unicast raw   *>* c no 0/6 3',
    ]);
    expect(
      atC(
        reported([
          { ...flow, id: 0, count: 2, must: [], may: [], vlan: [10] },
          { ...flow, id: 1, first: 10, count: 2, must: [], may: [], vlan: [10] },
        ]),
      ),
    ).toEqual(['0 known-unicast raw 10  *>* c no 0/4 2']);
  });
  it('of who may or must see are together where as many frames were sent and seen, for the same allowance', () => {
    const arrived =
      (...of: readonly (readonly [id: number, frames: number])[]) =>
      (list: readonly Flow[]) =>
      (tally: StepTally): void => {
        for (const [id, frames] of of) sees('c', frames, list[id])(tally);
      };
    const seen = (
      list: readonly Flow[],
      ...of: readonly (readonly [id: number, frames: number])[]
    ): readonly string[] => reported(list, arrived(...of)(list)).filter((text) => text.includes(' c m'));
    const like = (...more: readonly Partial<Flow>[]): readonly Flow[] =>
      more.map((over, id): Flow => ({ ...flow, id, first: 10 * id, count: 2, must: ['c'], may: ['c'], ...over }));
    expect(seen(like({}, {}, { count: 3 }), [0, 2], [1, 2], [2, 3])).toEqual([
      '0 known-unicast raw   *>* c must 4/4 2',
      '0 known-unicast raw   *>* c must 3/3 1',
    ]);
    expect(seen(like({}, { must: [] }), [0, 2], [1, 2])).toEqual([
      '0 known-unicast raw   *>* c must 2/2 1',
      '0 known-unicast raw   *>* c may 2/2 1',
    ]);
    expect(seen(like({ must: [] }, { must: [] }, { must: [] }), [0, 2])).toEqual([
      '0 known-unicast raw   *>* c may 2/2 1',
      '0 known-unicast raw   *>* c may 0/4 2',
    ]);
    expect(seen(like({ must: [] }, { must: [] }, {}, {}), [0, 1], [1, 2], [2, 1])).toEqual([
      '0 known-unicast raw   a>b c may 1/2 single',
      '0 known-unicast raw   a>b c must 1/2 single',
      '0 known-unicast raw   a>b c must 0/2 single',
      '0 known-unicast raw   *>* c may 2/2 1',
    ]);
  });
  it('name their variant only where there is one, and no causes', () => {
    const [row] = groupedRows(
      input(() => {}, { flows: [{ ...flow, must: [], may: [] }] }),
      judged,
      grouping(),
    );
    expect(row).not.toHaveProperty('variant');
    expect(row?.causes).toEqual([]);
  });
});
