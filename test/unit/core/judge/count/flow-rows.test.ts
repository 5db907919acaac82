import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlowRows } from '../../../../../src/core/judge/count/flow-rows.js';

/** Observers of the rows of a flow, the newest first. */
function observersOf(rows: FlowRows, flow: number): readonly number[] {
  const found: number[] = [];
  for (let row = rows.newestOf(flow); row >= 0; row = rows.columns.nextOfFlow[row] ?? -1)
    found.push(rows.columns.observer[row] ?? -1);
  return found;
}

describe('the rows of flows and observers', () => {
  it('are one for each pair, in the order of their coming, however many a flow has', () => {
    const pair = fc.tuple(fc.nat(5), fc.nat(40));
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 400 }), (pairs) => {
        const rows = new FlowRows(6, 1000);
        const known = new Map<string, number>();
        for (const [flow, observer] of pairs) {
          const key = `${flow}/${observer}`;
          expect(rows.find(flow, observer) < 0).toBe(!known.has(key));
          const row = rows.findOrAdd(flow, observer);
          expect(row).toBe(known.get(key) ?? known.size);
          known.set(key, row);
          expect(rows.find(flow, observer)).toBe(row);
        }
        expect(rows.size).toBe(known.size);
        for (let flow = 0; flow < 6; flow += 1)
          expect(observersOf(rows, flow)).toEqual(
            [...known.keys()]
              .filter((key) => key.startsWith(`${flow}/`))
              .map((key) => Number(key.split('/')[1]))
              .reverse(),
          );
      }),
    );
  });

  it('keep what their columns say when there are more of them', () => {
    const rows = new FlowRows(1, 10_000);
    for (let observer = 0; observer < 1000; observer += 1) {
      const row = rows.findOrAdd(0, observer);
      for (const name of ['count', 'high', 'low', 'bits', 'frame'] as const) rows.columns[name][row] = observer;
    }
    for (const name of ['count', 'high', 'low', 'bits', 'frame', 'observer'] as const)
      expect([...rows.columns[name].subarray(0, 1000)]).toEqual([...Array(1000).keys()]);
    expect(rows.columns.inOrder.subarray(0, 1000).every((value) => value === 1)).toBe(true);
  });

  it('are no more than the limit; those that are there are found still', () => {
    const rows = new FlowRows(1, 2);
    expect([rows.findOrAdd(0, 7), rows.isFull, rows.findOrAdd(0, 8), rows.isFull]).toEqual([0, false, 1, true]);
    expect([rows.findOrAdd(0, 9), rows.findOrAdd(0, 7), rows.size]).toEqual([-1, 0, 2]);
  });

  it('are of flows that there are', () => {
    const rows = new FlowRows(2, 10);
    expect([rows.hasFlow(1), rows.hasFlow(2), rows.hasFlow(-1)]).toEqual([true, false, false]);
    expect([rows.newestOf(1), rows.newestOf(2), rows.find(1, 0) < 0]).toEqual([-1, -1, true]);
  });
});
