import { describe, expect, it } from 'vitest';
import { createTokenRanges } from '../../../../../src/core/judge/count/token-ranges.js';
import { openByDesign } from '../../../../../src/core/judge/rows/open-by-design.js';
import type { RowInput } from '../../../../../src/core/judge/rows/probe-row.js';
import { rowsOf } from '../../../../../src/core/judge/rows/rows.js';
import type { Flow, Observer } from '../../../../../src/core/model/plan.js';
import { flow, step } from '../../../../support/judge/row-fixture.js';
import { input, sees } from '../../../../support/judge/row-input.js';
import { there } from '../../../../support/there.js';

const names = Array.from({ length: 50 }, (_, at) => `g${at}`);
const like = there(step.observers[0]);
const observers = names.map((name): Observer => ({ ...like, name, interface: name, place: 'port', judged: true }));
const flows = names.map(
  (name, id): Flow => ({ ...flow, id, from: name, to: null, sender: name, must: [], may: [], count: 1, first: id }),
);

const nobody = (): null => null;

/**
 * What `seenBy` says each flow's frame reached, `sent` of the flows being sent; guests 0 to 9 are not among those who are
 * open by design.
 */
function judged(
  seenBy: (sender: number) => readonly number[],
  sent = flows.length,
  addressee: (sender: number) => string | null = nobody,
): RowInput {
  const accepted = createTokenRanges();
  accepted.add(0, sent);
  const filled = input(
    (tally) => {
      for (const sent of flows)
        for (const at of seenBy(sent.id)) if (at !== sent.id) sees(names[at] ?? '', 1, sent)(tally);
    },
    {
      flows: flows.map((each, at) => ({ ...each, to: addressee(at) })),
      observers,
      expect: { expected: 'holds', seen: [], accept: [], open: [{ probe: flow.probe, observers: names.slice(10) }] },
    },
  );
  return { ...filled, facts: { ...filled.facts, accepted } };
}

const positions = names.map((_, at) => at);
const openAt = (of: RowInput, sender: number, observer: number): boolean => {
  return openByDesign(of)(there(flows[sender]), there(observers[observer]));
};

describe('what is open by design', () => {
  it('is what most of those who are named see of most senders, and of them alone', () => {
    const flooded = judged(() => positions);
    expect([openAt(flooded, 0, 20), openAt(flooded, 0, 5)]).toEqual([true, false]);
  });

  it('is also what a device on the bridge sees of it that is no endpoint’s, and nothing else', () => {
    const sent = there(flows[0]);
    const device = { name: 'mv0', space: '/run/netns/g4', kind: 'macvlan' };
    const ear: Observer = { ...like, name: 'mv0@br0', interface: 'mv0@br0', place: 'above', device };
    expect(openByDesign(judged(() => positions))(sent, ear)).toBe(true);
    expect(openByDesign(judged(() => positions))(sent, { ...ear, party: 'g3' })).toBe(false);
    expect(openByDesign(judged(() => [17]))(sent, ear)).toBe(false);
  });

  it('is what a device on the bridge sees of frames for every endpoint, as of ARP requests', () => {
    const device = { name: 'mv0', space: '/run/netns/g4', kind: 'macvlan' };
    const ear: Observer = { ...like, name: 'mv0@br0', interface: 'mv0@br0', place: 'above', device };
    const asks = (may: readonly string[], probeClass: Flow['class'], observer = ear): boolean =>
      openByDesign(judged(() => positions))(
        { ...there(flows[0]), probe: flow.probe + 1, class: probeClass, to: 'g1', may },
        observer,
      );
    expect(asks(names, 'arp-request')).toBe(true);
    expect(asks(names.slice(0, -1), 'arp-request')).toBe(false);
    expect(asks(names, 'known-unicast')).toBe(false);
    expect(asks(names, 'arp-request', { ...ear, party: 'g3' })).toBe(false);
  });

  it.each([
    [judged(() => [17]), false],
    [judged(() => positions.slice(10, 29)), false],
    [judged(() => positions.slice(10, 30)), true],
  ])('is not what few of them see: their barrier is missing: case %#', (of, expected) =>
    expect(openAt(of, 0, 17)).toBe(expected),
  );

  it('is not what few senders get through: their filter is missing', () => {
    const one = judged((sender) => (sender === 3 ? positions : []));
    const half = judged((sender) => (sender % 2 === 0 ? positions : []));
    expect([openAt(one, 3, 17), openAt(half, 4, 17)]).toEqual([false, true]);
  });

  it('is no less what the one guest sends to the other where that one sends to a port that serves both', () => {
    const addressee = (sender: number): string => (sender === 10 ? 'g11' : 'g5');
    const between = flows.slice(10, 12).map((each): Flow => ({ ...each, to: addressee(each.id), class: 'mac-spoof' }));
    const seenBy = (second: readonly number[]): RowInput => {
      const two = judged((sender) => (sender === 10 ? [11] : second), undefined, addressee);
      return { ...two, step: { ...two.step, flows: between } };
    };
    expect(openByDesign(seenBy([5]))(there(between[0]), there(observers[11]))).toBe(true);
    expect(openByDesign(seenBy([5]))(there(between[1]), there(observers[5]))).toBe(false);
    // A filter at the second one's port that the first one's lacks
    expect(openByDesign(seenBy([]))(there(between[0]), there(observers[11]))).toBe(false);
  });

  it('is what the first senders get through where a run was ended before the others sent', () => {
    const seenBy = (sender: number): readonly number[] => (sender < 2 ? [sender + 20] : []);
    const addressee = (sender: number): string => names[(sender + 20) % 50] ?? '';
    expect([openAt(judged(seenBy, undefined, addressee), 0, 20), openAt(judged(seenBy, 2, addressee), 0, 20)]).toEqual([
      false,
      true,
    ]);
  });

  it('is not what others than the addressees see of them, and not what few see of a broadcast', () => {
    const addressee = (sender: number): string => names[(sender + 20) % 50] ?? '';
    const seenBy = (sender: number): readonly number[] => (sender < 2 ? [17] : []);
    expect([openAt(judged(seenBy, 2, addressee), 0, 17), openAt(judged(seenBy, 2), 0, 17)]).toEqual([false, false]);
  });

  it('is not what one guest gets from all and sends to all, while the others are kept apart: it is the odd one', () => {
    const odd = judged((sender) => (sender === 20 ? positions : [20]));
    expect([openAt(odd, 20, 30), openAt(odd, 30, 20)]).toEqual([false, false]);
  });

  it('is what each guest gets of few others: none of them is the odd one, but the one that gets all', () => {
    const pairs = judged((sender) => [sender % 2 === 0 ? sender + 1 : sender - 1]);
    expect(openAt(pairs, 20, 21)).toBe(true);
    const and = judged((sender) => [sender % 2 === 0 ? sender + 1 : sender - 1, 40]);
    expect([openAt(and, 20, 21), openAt(and, 20, 40)]).toEqual([true, false]);
  });

  it('compares no guest with its own other interfaces', () => {
    const of = judged((sender) => (sender === 48 || sender === 49 ? positions : [48, 49]));
    const [g48, g49] = [names[48] ?? '', names[49] ?? ''];
    const isOne = (name: string): boolean => name === g48 || name === g49;
    const isOfParty = (sent: Flow, observer: string): boolean =>
      observer === sent.sender || (isOne(observer) && isOne(sent.sender));
    const parties: RowInput['parties'] = {
      othersOf: (name) => (isOne(name) ? [g48, g49].filter((other) => other !== name) : []),
      isOfParty,
      isOfSender: isOfParty,
    };
    const three = new Set([g48, g49, 'g47']);
    const step = {
      ...of.step,
      flows: flows.filter(({ sender }) => three.has(sender)),
      expect: { expected: 'holds', seen: [], accept: [], open: [{ probe: flow.probe, observers: [...three] }] },
    } as const;
    expect(openByDesign({ ...of, step, parties })(there(flows[47]), there(observers[48]))).toBe(true);
  });

  it.each(['known-unicast', 'routed-bounce', 'mac-spoof', 'ip-spoof'] as const)(
    'is of %s what the addressee gets alone',
    (probeClass) => {
      const addressee = (sender: number): string => names[(sender + 20) % 50] ?? '';
      const all = judged(() => positions, undefined, addressee);
      const step = { ...all.step, flows: all.step.flows.map((sent) => ({ ...sent, class: probeClass })) };
      const open = openByDesign({ ...all, step });
      const sent = there(step.flows[0]);
      expect([20, 21].map((at) => open(sent, there(observers[at])))).toEqual([true, false]);
    },
  );

  it('compares those alone for whom frames of a kind were: of a single flow its delivery is by design', () => {
    const all = judged(
      (sender) => [sender + 20],
      undefined,
      (sender) => names[(sender + 20) % 50] ?? '',
    );
    const [first] = all.step.flows;
    const step = { ...all.step, flows: [{ ...there(first), class: 'ip-spoof' as const }] };
    expect(openByDesign({ ...all, step })(there(step.flows[0]), there(observers[20]))).toBe(true);
  });

  it('is what the host routes between bridges, however few it reaches', () => {
    const addressee = (sender: number): string => names[(sender + 20) % 50] ?? '';
    const one = judged((sender) => (sender === 0 ? [20] : []), undefined, addressee);
    const on = (bridge: (at: number) => string): RowInput => ({
      ...one,
      plan: {
        ...one.plan,
        endpoints: names.map((name, at) => ({ ...there(one.plan.endpoints[0]), name, bridge: bridge(at) })),
      },
      step: { ...one.step, flows: one.step.flows.map((sent) => ({ ...sent, class: 'routed-bounce' as const })) },
    });
    const [across, within] = [on((at) => (at < 20 ? 'west' : 'east')), on(() => 'west')].map((of) =>
      openByDesign(of)(there(of.step.flows.at(0)), there(observers[20])),
    );
    expect([across, within]).toEqual([true, false]);
  });

  it('is nothing where the step names nobody', () => {
    const { expect: _, ...rest } = judged(() => positions).step;
    const plain = { ...judged(() => positions), step: { ...rest, expect: step.expect } };
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
