import type { Flow, Flows } from '../../model/plan.js';
import type { FlowDraft } from '../../probe/probe-class.js';
import type { FlowDestination, FlowForm, FlowSource } from './flow-of-table.js';
import { flowTable, optionalForm, kindOf } from './flow-table.js';

/** Properties of a flow by the scenario's entry. */
export type FlowOfEntry = Pick<Flow, 'probe' | 'class' | 'count' | 'must' | 'may'>;

/** A flow's form, source and destination, by their numbers in the collector. */
export type FlowParts = readonly [form: number, source: number, aim: number];

/** Collects a step's flows in order, ids and tokens continuous, without an object a flow: a mesh has a million. */
export interface FlowCollector {
  add(draft: FlowDraft, entry: FlowOfEntry): void;
  /** The parts of the flow added last. */
  lastParts(): FlowParts;
  /** Adds a flow of known parts. */
  addJoined(form: number, source: number, aim: number): void;
  finish(): Flows;
}

/** `id` and `first`: of the first flow. */
export function flowCollector(head: Pick<Flow, 'step' | 'id' | 'first'>): FlowCollector {
  const forms = new Distinct<FlowForm>(({ frame }) => frame.carrier, isForm, formOf);
  const sources = new Distinct<FlowSource>(({ from }) => from, isSource, sourceOf);
  const destinations = new Distinct<FlowDestination>(({ to }) => to, isDestination, destinationOf);
  return {
    add(draft, entry) {
      forms.add(draft, entry);
      sources.add(draft, entry);
      destinations.add(draft, entry);
    },
    lastParts: () => [forms.last, sources.last, destinations.last],
    addJoined(form, source, aim) {
      forms.place(form);
      sources.place(source);
      destinations.place(aim);
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
    known.frame.fields === frame.fields &&
    known.frame.carrier === frame.carrier &&
    known.frame.size === frame.size &&
    sameList(known.vlan, frame.vlan)
  );
}

function formOf(draft: FlowDraft, { probe, class: name, count }: FlowOfEntry): FlowForm {
  const { frame } = draft;
  const { carrier, vlan, size } = frame;
  return {
    probe,
    class: name,
    carrier,
    vlan,
    count,
    judged: draft.judged,
    ...kindOf(draft),
    frame: { carrier, vlan, size, ...optionalForm(frame) },
  };
}

function isSource(known: FlowSource, { from, sender, frame }: FlowDraft): boolean {
  return known.from === from && known.sender === sender && known.srcMac === frame.srcMac && known.srcIp === frame.srcIp;
}

function sourceOf({ from, sender, frame }: FlowDraft): FlowSource {
  return { from, sender, srcMac: frame.srcMac, srcIp: frame.srcIp };
}

function isDestination(known: FlowDestination, { to, frame }: FlowDraft, { must, may }: FlowOfEntry): boolean {
  return (
    known.to === to &&
    known.dstMac === frame.dstMac &&
    known.dstIp === frame.dstIp &&
    sameList(known.must, must) &&
    sameList(known.may, may)
  );
}

function destinationOf({ to, frame }: FlowDraft, { must, may }: FlowOfEntry): FlowDestination {
  return { to, must, may, dstMac: frame.dstMac, dstIp: frame.dstIp };
}

function sameList(first: readonly unknown[], second: readonly unknown[]): boolean {
  if (first === second) return true;
  if (first.length !== second.length) return false;
  for (let at = 0; at < first.length; at += 1) if (first[at] !== second[at]) return false;
  return true;
}

/** Values of flows in order, equal ones kept once. */
class Distinct<T> {
  readonly values: T[] = [];
  private readonly byKey = new Map<string | null, number[]>();
  private readonly followers: number[] = [];
  private places: Uint32Array = new Uint32Array(1024);
  private count = 0;
  /** Position of the last flow's value; -1 = none. */
  last = -1;

  /** `keyOf`: different keys mean different values; `isSame` decides otherwise. */
  constructor(
    private readonly keyOf: (draft: FlowDraft) => string | null,
    private readonly isSame: (known: T, draft: FlowDraft, entry: FlowOfEntry) => boolean,
    private readonly make: (draft: FlowDraft, entry: FlowOfEntry) => T,
  ) {}

  positions(): Uint32Array {
    return this.places.slice(0, this.count);
  }

  add(draft: FlowDraft, entry: FlowOfEntry): void {
    const { last } = this;
    const place = this.likely(draft, entry) ?? this.find(draft, entry);
    if (last !== -1 && place !== last) this.followers[last] = place;
    this.place(place);
  }

  place(place: number): void {
    this.last = place;
    if (this.count === this.places.length) this.grow();
    this.places[this.count] = place;
    this.count += 1;
  }

  /** Mostly as the flow before, or its last follower; null = neither. */
  private likely(draft: FlowDraft, entry: FlowOfEntry): number | null {
    if (this.holds(this.last, draft, entry)) return this.last;
    const follower = this.followers[this.last] ?? -1;
    return this.holds(follower, draft, entry) ? follower : null;
  }

  private holds(place: number, draft: FlowDraft, entry: FlowOfEntry): boolean {
    const value = this.values[place];
    return value !== undefined && this.isSame(value, draft, entry);
  }

  private find(draft: FlowDraft, entry: FlowOfEntry): number {
    const key = this.keyOf(draft);
    const known = this.byKey.get(key) ?? [];
    if (known.length === 0) this.byKey.set(key, known);
    for (const place of known) if (this.holds(place, draft, entry)) return place;
    const place = this.values.push(this.make(draft, entry)) - 1;
    known.push(place);
    this.followers.push(-1);
    return place;
  }

  private grow(): void {
    const longer = new Uint32Array(this.count * 2);
    longer.set(this.places);
    this.places = longer;
  }
}
