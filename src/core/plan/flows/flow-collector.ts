import type { Flow, Flows } from '../../model/plan.js';
import type { FlowDraft } from '../../probe/probe-class.js';
import type { FlowDestination, FlowForm, FlowSource } from './flow-of-table.js';
import { flowTable, optionalForm, kindOf } from './flow-table.js';

/** What an entry of the scenario decides of a flow, beside its draft. */
export type FlowOfEntry = Pick<Flow, 'probe' | 'class' | 'count' | 'must' | 'may'>;

/**
 * Collects the flows of a step in order: their ids and tokens number through. No object is made for a flow: a mesh has
 * a million.
 */
export interface FlowCollector {
  add(draft: FlowDraft, entry: FlowOfEntry): void;
  finish(): Flows;
}

/** `id` and `first`: of the first flow. */
export function flowCollector(head: Pick<Flow, 'step' | 'id' | 'first'>): FlowCollector {
  const forms = interned<FlowForm>();
  const sources = interned<FlowSource>();
  const destinations = interned<FlowDestination>();
  return {
    add(draft, entry) {
      const { frame } = draft;
      const form = forms.last();
      // Form and sender are mostly those of the flow before: that is found out without a function for each flow.
      if (form !== undefined && isForm(form, draft, entry)) forms.again();
      else {
        forms.add(
          frame.carrier,
          (known) => isForm(known, draft, entry),
          () => ({
            probe: entry.probe,
            class: entry.class,
            carrier: frame.carrier,
            vlan: frame.vlan,
            count: entry.count,
            judged: draft.judged,
            ...kindOf(draft),
            frame: { carrier: frame.carrier, vlan: frame.vlan, size: frame.size, ...optionalForm(frame) },
          }),
        );
      }
      const source = sources.last();
      if (source !== undefined && isSource(source, draft)) sources.again();
      else
        sources.add(
          draft.from,
          (known) => isSource(known, draft),
          () => ({ from: draft.from, sender: draft.sender, srcMac: frame.srcMac, srcIp: frame.srcIp }),
        );
      destinations.add(
        draft.to,
        (known) =>
          known.to === draft.to &&
          known.dstMac === frame.dstMac &&
          known.dstIp === frame.dstIp &&
          sameList(known.must, entry.must) &&
          sameList(known.may, entry.may),
        () => ({ to: draft.to, must: entry.must, may: entry.may, dstMac: frame.dstMac, dstIp: frame.dstIp }),
      );
    },
    finish: () =>
      flowTable({
        ...head,
        forms: forms.values,
        sources: sources.values,
        aims: destinations.values,
        form: forms.positions(),
        source: sources.positions(),
        aim: destinations.positions(),
      }),
  };
}

function isForm(known: FlowForm, draft: FlowDraft, entry: FlowOfEntry): boolean {
  const { frame } = draft;
  return (
    known.probe === entry.probe &&
    known.class === entry.class &&
    known.count === entry.count &&
    known.judged === draft.judged &&
    known.purpose === draft.purpose &&
    known.variant === draft.variant &&
    known.frame.form === frame.form &&
    known.frame.carrier === frame.carrier &&
    known.frame.size === frame.size &&
    sameList(known.vlan, frame.vlan)
  );
}

function isSource(known: FlowSource, { from, sender, frame }: FlowDraft): boolean {
  return known.from === from && known.sender === sender && known.srcMac === frame.srcMac && known.srcIp === frame.srcIp;
}

function sameList(first: readonly unknown[], second: readonly unknown[]): boolean {
  return first === second || (first.length === second.length && first.every((value, index) => value === second[index]));
}

interface Interned<T> {
  /**
   * Values that are alike are kept once. `key`: values with different keys differ; `isSame` decides among all others.
   */
  add(key: string | null, isSame: (known: T) => boolean, make: () => T): void;
  /** The value of the last position; undefined = there is none yet. */
  last(): T | undefined;
  /** The same value once more. */
  again(): void;
  readonly values: T[];
  positions(): Uint32Array;
}

function interned<T>(): Interned<T> {
  const values: T[] = [];
  const byKey = new Map<string | null, number[]>();
  let positions: Uint32Array = new Uint32Array(1024);
  let count = 0;
  let last = -1;

  function positionOf(key: string | null, isSame: (known: T) => boolean, make: () => T): number {
    const known = byKey.get(key) ?? [];
    if (known.length === 0) byKey.set(key, known);
    for (const at of known) {
      const value = values[at];
      if (value !== undefined && isSame(value)) return at;
    }
    known.push(values.push(make()) - 1);
    return values.length - 1;
  }
  function put(): void {
    if (count === positions.length) {
      const longer = new Uint32Array(count * 2);
      longer.set(positions);
      positions = longer;
    }
    positions[count] = last;
    count += 1;
  }
  return {
    values,
    last: () => values[last],
    again: put,
    positions: () => positions.slice(0, count),
    add(key, isSame, make) {
      last = positionOf(key, isSame, make);
      put();
    },
  };
}
