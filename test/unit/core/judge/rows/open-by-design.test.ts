import { describe, expect, it } from 'vitest';
import { openByDesign } from '../../../../../src/core/judge/rows/open-by-design.js';
import type { RowInput } from '../../../../../src/core/judge/rows/probe-row.js';
import { rowsOf } from '../../../../../src/core/judge/rows/rows.js';
import type { Flow, Observer } from '../../../../../src/core/model/plan.js';
import { flow, step } from '../../../../support/judge/row-fixture.js';
import { input, sees } from '../../../../support/judge/row-input.js';

const names = Array.from({ length: 50 }, (_, at) => `g${at}`);
const [like] = step.observers;
if (like === undefined) throw new Error('the fixture has changed');
const observers = names.map((name): Observer => ({ ...like, name, interface: name, place: 'port', judged: true }));
const flows = names.map(
  (name, id): Flow => ({ ...flow, id, from: name, to: null, sender: name, must: [], may: [], count: 1, first: id }),
);

/** What `seenBy` says each flow's frame reached; guests 0 to 9 are not among those who are open by design. */
function judged(seenBy: (sender: number) => readonly number[]): RowInput {
  return input(
    (tally) => {
      for (const sent of flows)
        for (const at of seenBy(sent.id)) if (at !== sent.id) sees(names[at] ?? '', 1, sent)(tally);
    },
    {
      flows,
      observers,
      expect: { expected: 'holds', seen: [], accept: [], open: [{ probe: flow.probe, observers: names.slice(10) }] },
    },
  );
}

const all = names.map((_, at) => at);
const openAt = (of: RowInput, sender: number, observer: number): boolean => {
  const [sent, at] = [flows[sender], observers[observer]];
  if (sent === undefined || at === undefined) throw new Error('no such guest');
  return openByDesign(of)(sent, at);
};

describe('what is open by design', () => {
  it('is what most of those who are named see of most senders, and of them alone', () => {
    const flooded = judged(() => all);
    expect([openAt(flooded, 0, 20), openAt(flooded, 0, 5)]).toEqual([true, false]);
  });

  it('is not what few of them see: their barrier is missing', () => {
    expect(
      openAt(
        judged(() => [17]),
        0,
        17,
      ),
    ).toBe(false);
    expect(
      openAt(
        judged(() => all.slice(10, 29)),
        0,
        17,
      ),
    ).toBe(false);
    expect(
      openAt(
        judged(() => all.slice(10, 30)),
        0,
        17,
      ),
    ).toBe(true);
  });

  it('is not what few senders get through: their filter is missing', () => {
    expect(
      openAt(
        judged((sender) => (sender === 3 ? all : [])),
        3,
        17,
      ),
    ).toBe(false);
    expect(
      openAt(
        judged((sender) => (sender % 2 === 0 ? all : [])),
        4,
        17,
      ),
    ).toBe(true);
  });

  it('is nothing where the step names nobody', () => {
    const { expect: _, ...rest } = judged(() => all).step;
    const plain = { ...judged(() => all), step: { ...rest, expect: step.expect } };
    expect(openAt(plain, 0, 17)).toBe(false);
  });

  it('has rows that are exposed and no leaks, whether a step writes down each row or groups them', () => {
    for (const rows of [flows, Array.from({ length: 5 }, () => flows).flat()]) {
      const many = rows.map((sent, id): Flow => ({ ...sent, id, first: id }));
      const of = input(
        (tally) => {
          for (const sent of many) for (const name of names) if (name !== sent.sender) sees(name, 1, sent)(tally);
        },
        {
          flows: many,
          observers,
          expect: { expected: 'holds', seen: [], accept: [], open: [{ probe: flow.probe, observers: names }] },
        },
      );
      const { rows: found, folded, exposed } = rowsOf(of);
      const seen = found.reduce((sum, row) => sum + (row.exposed === true ? row.seen : 0), 0);
      expect([found.some(({ leak }) => leak), folded.length, seen]).toEqual([false, 0, many.length * 49]);
      expect(exposed.reduce((sum, fold) => sum + fold.rows, 0)).toBe(many.length > 50 ? many.length * 49 : 0);
    }
  });
});
