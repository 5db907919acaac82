import type { Flow, Flows } from '../model/plan.js';
import { type FlowAim, type FlowForm, type FlowSource, flowTable, formOf, kindOf } from './flow-table.js';

/** Collects the flows of a step in order; their ids and tokens must number through. */
export interface FlowCollector {
  add(flow: Flow): void;
  finish(): Flows;
}

export function flowCollector(step: number): FlowCollector {
  const forms = interned<FlowForm>();
  const sources = interned<FlowSource>();
  const aims = interned<FlowAim>();
  let head = { id: 0, first: 0 };
  return {
    add(flow) {
      if (forms.length() === 0) head = { id: flow.id, first: flow.first };
      const { frame } = flow;
      forms.add(flow.carrier, (known) => known.probe === flow.probe && known.class === flow.class && known.count === flow.count && known.judged === flow.judged && known.purpose === flow.purpose && known.variant === flow.variant && known.frame.form === frame.form
        && known.frame.carrier === frame.carrier && known.frame.size === frame.size && sameList(known.vlan, flow.vlan) && sameList(known.frame.vlan, frame.vlan),
      () => ({
        probe: flow.probe, class: flow.class, carrier: flow.carrier, vlan: flow.vlan, count: flow.count, judged: flow.judged, ...kindOf(flow),
        frame: { carrier: frame.carrier, vlan: frame.vlan, size: frame.size, ...formOf(frame) },
      }));
      sources.add(flow.from, (known) => known.sender === flow.sender && known.srcMac === frame.srcMac && known.srcIp === frame.srcIp,
        () => ({ from: flow.from, sender: flow.sender, srcMac: frame.srcMac, srcIp: frame.srcIp }));
      aims.add(flow.to, (known) => known.dstMac === frame.dstMac && known.dstIp === frame.dstIp && sameList(known.must, flow.must) && sameList(known.may, flow.may),
        () => ({ to: flow.to, must: flow.must, may: flow.may, dstMac: frame.dstMac, dstIp: frame.dstIp }));
    },
    finish: () => flowTable({
      step, ...head, forms: forms.values, sources: sources.values, aims: aims.values, form: forms.positions(), source: sources.positions(), aim: aims.positions(),
    }),
  };
}

function sameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one === other || (one.length === other.length && one.every((value, index) => value === other[index]));
}

interface Interned<T> {
  /** Values that are alike are kept once. `key`: values with different keys differ; `isSame` decides among those with the same. */
  add(key: string | null, isSame: (known: T) => boolean, make: () => T): void;
  length(): number;
  readonly values: T[];
  positions(): Uint32Array;
}

function interned<T>(): Interned<T> {
  const values: T[] = [];
  const byKey = new Map<string | null, number[]>();
  let positions: Uint32Array = new Uint32Array(1024);
  let count = 0;
  return {
    values,
    length: () => count,
    positions: () => positions.slice(0, count),
    add(key, isSame, make) {
      const known = byKey.get(key) ?? [];
      if (known.length === 0) byKey.set(key, known);
      let at = known.find((one) => {
        const value = values[one];
        return value !== undefined && isSame(value);
      });
      if (at === undefined) {
        at = values.push(make()) - 1;
        known.push(at);
      }
      if (count === positions.length) {
        const longer = new Uint32Array(count * 2);
        longer.set(positions);
        positions = longer;
      }
      positions[count] = at;
      count += 1;
    },
  };
}
