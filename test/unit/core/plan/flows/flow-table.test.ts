import { expect, it } from 'vitest';
import type { Flow } from '../../../../../src/core/model/plan.js';
import { flowCollector } from '../../../../../src/core/plan/flows/flow-collector.js';
import { FlowOfTable, frameSizeOf } from '../../../../../src/core/plan/flows/flow-of-table.js';
import { maxListed, readFlowColumns } from '../../../../../src/core/plan/flows/flow-table.js';
import { framesByKind, kindsOfFlows } from '../../../../../src/core/plan/flows/shortcuts.js';
import { parsePositions, positionText } from '../../../../../src/core/plan/flows/position-text.js';

/** Every ordered pair of `guests` guests, in two carriers of different counts. */
function mesh(guests: number): readonly Flow[] {
  const names = Array.from({ length: guests }, (_, at) => `g${at}`);
  const pairs = names.flatMap((from) =>
    names
      .filter((to) => to !== from)
      .flatMap((to) => (['raw', 'ipv4-udp'] as const).map((carrier) => ({ from, to, carrier }))),
  );
  let first = 7;
  return pairs.map(({ from, to, carrier }, index): Flow => {
    const count = carrier === 'raw' ? 3 : 5;
    first += count;
    return {
      id: 10 + index,
      step: 2,
      probe: 0,
      class: 'known-unicast',
      carrier,
      vlan: [],
      from,
      to,
      sender: from,
      count,
      first: first - count,
      must: [to],
      may: [to, 'lan'],
      judged: true,
      frame: {
        carrier,
        srcMac: `02:${from}`,
        dstMac: `02:${to}`,
        vlan: [],
        srcIp: carrier === 'raw' ? null : from,
        dstIp: carrier === 'raw' ? null : to,
        size: 60,
      },
    };
  });
}

function collected(flows: readonly Flow[]): ReturnType<ReturnType<typeof flowCollector>['finish']> {
  const [head] = flows;
  const collector = flowCollector({ step: 2, id: head?.id ?? 0, first: head?.first ?? 0 });
  for (const flow of flows) collector.add(flow, flow);
  return collector.finish();
}

/** All that a flow says, as an object of its own. */
function said({
  id,
  step,
  probe,
  class: name,
  carrier,
  vlan,
  from,
  to,
  sender,
  count,
  first,
  must,
  may,
  judged,
  frame,
}: Flow): Flow {
  return { id, step, probe, class: name, carrier, vlan, from, to, sender, count, first, must, may, judged, frame };
}

it('flows come out of the table as they went in', () => {
  const flows = mesh(5);
  const table = collected(flows);
  expect([...table]).toEqual(flows);
  expect(table.length).toBe(flows.length);
  expect(table.at(flows.length)).toBeUndefined();
  expect(table.map((flow) => flow.id)).toEqual(flows.map((flow) => flow.id));
  expect(table.filter((flow) => flow.from === 'g1')).toEqual(flows.filter((flow) => flow.from === 'g1'));
  expect(table.some((flow) => flow.to === 'g4')).toBe(true);
  expect(table.every((flow) => flow.to === 'g4')).toBe(false);
});

it('few flows are written one by one', () => {
  const flows = mesh(5);
  expect(JSON.parse(JSON.stringify(collected(flows)))).toEqual(flows);
});

it('many flows are written as columns, read back the same, and need few bytes each', () => {
  const flows = mesh(50);
  expect(flows.length).toBeGreaterThan(maxListed);
  const text = JSON.stringify(collected(flows));
  expect(text.length / flows.length).toBeLessThan(16);
  const again = readFlowColumns(JSON.parse(text));
  expect(again === null ? null : [...again].map(said)).toEqual(flows);
});

it('many flows hold references to their parts, and say the same', () => {
  const flows = mesh(50);
  const table = collected(flows);
  expect(table.at(7)).toBeInstanceOf(FlowOfTable);
  expect(table.map(said)).toEqual(flows);
  expect(table.map(frameSizeOf)).toEqual(flows.map(({ frame }) => frame.size));
  expect(flows.map(frameSizeOf)).toEqual(table.map(frameSizeOf));
});

it('of many flows those that a purpose or a variant tells apart are whole objects', () => {
  const flows = mesh(50).map(
    (flow, at): Flow => ({ ...flow, ...(at % 2 === 0 ? { purpose: 'stimulus' } : { variant: 'cdp' }) }),
  );
  expect([...collected(flows)]).toEqual(flows);
});

it('the kinds of flows are the first of each form and sender, in their order; of a list all are', () => {
  const flows = mesh(50);
  const first = new Map(flows.map((flow): [string, Flow] => [`${flow.carrier} ${flow.from}`, flow]).reverse());
  expect([...kindsOfFlows(collected(flows))].map(said)).toEqual([...first.values()].sort((a, b) => a.id - b.id));
  expect([...kindsOfFlows(flows)]).toEqual(flows);
});

it('the frames of a kind are those of all its flows, whether they follow one another or not', () => {
  const flows = mesh(50).map((flow, at): Flow => ({ ...flow, count: 1 + (at % 3) }));
  const keyOf = ({ carrier, from, count }: Flow): string => `${carrier} ${from} ${count}`;
  const frames = new Map<string, number>();
  for (const flow of flows) frames.set(keyOf(flow), (frames.get(keyOf(flow)) ?? 0) + flow.count);
  const counted = new Map(framesByKind(collected(flows)).map((kind) => [keyOf(kind.first), kind.frames]));
  expect(counted).toEqual(frames);
  expect(framesByKind(flows).map((kind) => kind.frames)).toEqual(flows.map(({ count }) => count));
});

it('positions are written as runs, and what does not fit is refused', () => {
  const positions = Uint32Array.from([0, 0, 0, 2, 1, 1]);
  expect(positionText(positions)).toBe('0*3,2,1*2');
  expect(parsePositions('0*3,2,1*2', 6, 3)).toEqual(positions);
  const climbing = Uint32Array.from([4, 0, 1, 2, 3, 1, 2, 2]);
  expect(positionText(climbing)).toBe('4,0-3,1,2*2');
  expect(parsePositions('4,0-3,1,2*2', 8, 5)).toEqual(climbing);
  for (const text of [
    '0*3,2,1',
    '0*3,2,1*3',
    '0*3,3,1*2',
    '0*-1',
    'x',
    '',
    '0*9999999999',
    '0-5',
    '2-0',
    '0-2',
    '0-2,0-9999999999',
  ])
    expect(parsePositions(text, 6, 3)).toBeNull();
});
