import type { Flow, FlowColumnsRecord, FlowKind, Flows, FrameSpec } from '../../model/plan.js';
import {
  type FlowDestination,
  type FlowForm,
  FlowOfTable,
  type FlowPosition,
  type FlowSource,
  frameOf,
} from './flow-of-table.js';
import { parsePositions, positionText } from './position-text.js';

/** Flow i consists of form `form[i]`, source `source[i]` and aim `aim[i]`; ids and tokens continue from the first's. */
export interface FlowColumns {
  readonly step: number;
  readonly id: number;
  readonly first: number;
  readonly forms: readonly FlowForm[];
  readonly sources: readonly FlowSource[];
  readonly aims: readonly FlowDestination[];
  readonly form: Uint32Array;
  readonly source: Uint32Array;
  readonly aim: Uint32Array;
}

/** Up to this number plan.json lists flows readably, and they are complete objects. */
export const maxListed = 2000;

/** Optional keys of frames: a key without a value is not allowed. */
export function optionalForm({ form, fields }: Pick<FrameSpec, 'form' | 'fields'>): Pick<FrameSpec, 'form' | 'fields'> {
  if (fields !== undefined) return { fields };
  return form === undefined ? {} : { form };
}

export function kindOf({ purpose, variant }: Pick<Flow, 'purpose' | 'variant'>): Pick<Flow, 'purpose' | 'variant'> {
  return { ...(purpose === undefined ? {} : { purpose }), ...(variant === undefined ? {} : { variant }) };
}

/** Flows made on demand: a million take 20 MB. Many only reference their parts. */
class FlowTable implements Flows {
  readonly length: number;
  readonly framesEach: number | undefined;
  private readonly columns: FlowColumns;
  /** If counts differ, the tokens before each flow; null = all have `even`. */
  private readonly firsts: Float64Array | null;
  private readonly even: number;
  private readonly head: Flow | undefined;
  private last: Flow | undefined;
  private lastAt = 0;
  private kindsOnce: readonly FlowKind[] | null = null;

  constructor(columns: FlowColumns) {
    this.columns = columns;
    this.length = columns.form.length;
    const counts = new Set(columns.forms.map((form) => form.count));
    [this.even = 0] = counts;
    this.framesEach = counts.size === 1 ? this.even : undefined;
    this.firsts = counts.size > 1 ? firstsOf(columns) : null;
    this.head = this.make(0);
    this.last = this.head;
  }

  /** Callers look up the first flow, then mostly one next to the last frame's. */
  readonly at = (i: number): Flow | undefined => {
    if (i === 0) return this.head;
    if (i === this.lastAt) return this.last;
    this.last = this.make(i);
    this.lastAt = i;
    return this.last;
  };

  *[Symbol.iterator](): Generator<Flow> {
    for (let i = 0; i < this.length; i += 1) {
      const flow = this.make(i);
      if (flow !== undefined) yield flow;
    }
  }

  forEach(visit: (flow: Flow, index: number) => void): void {
    for (let i = 0; i < this.length; i += 1) {
      const flow = this.make(i);
      if (flow !== undefined) visit(flow, i);
    }
  }

  kinds(): readonly FlowKind[] {
    this.kindsOnce ??= this.findKinds();
    return this.kindsOnce;
  }

  reduce<T>(add: (sum: T, flow: Flow, index: number) => T, start: T): T {
    let sum = start;
    this.forEach((flow, index) => {
      sum = add(sum, flow, index);
    });
    return sum;
  }

  map<T>(of: (flow: Flow, index: number) => T): T[] {
    return Array.from(this, of);
  }

  flatMap<T>(of: (flow: Flow, index: number) => readonly T[]): T[] {
    const items: T[] = [];
    this.forEach((flow, index) => {
      for (const item of of(flow, index)) items.push(item);
    });
    return items;
  }

  filter(keep: (flow: Flow, index: number) => boolean): Flow[] {
    const matching: Flow[] = [];
    this.forEach((flow, index) => {
      if (keep(flow, index)) matching.push(flow);
    });
    return matching;
  }

  some(holds: (flow: Flow, index: number) => boolean): boolean {
    return this.search(holds, true);
  }

  every(holds: (flow: Flow, index: number) => boolean): boolean {
    return !this.search(holds, false);
  }

  toJSON(): readonly Flow[] | FlowColumnsRecord {
    if (this.length <= maxListed) return [...this];
    const { step, id, first, forms, sources, aims, form, source, aim } = this.columns;
    const texts = { form: positionText(form), source: positionText(source), aim: positionText(aim) };
    return { step, id, first, length: this.length, forms, sources, aims, ...texts };
  }

  private make(i: number): Flow | undefined {
    const { step, id, first, forms, sources, aims } = this.columns;
    const form = forms[this.columns.form[i] ?? -1];
    const source = sources[this.columns.source[i] ?? -1];
    const destination = aims[this.columns.aim[i] ?? -1];
    if (form === undefined || source === undefined || destination === undefined) return undefined;
    const position = {
      id: id + i,
      step,
      first: this.firsts === null ? first + i * this.even : (this.firsts[i] ?? 0),
    };
    return this.length > maxListed && form.purpose === undefined && form.variant === undefined
      ? new FlowOfTable(position, form, source, destination)
      : wholeFlow(position, form, source, destination);
  }

  private findKinds(): readonly FlowKind[] {
    const { forms, form, source, sources } = this.columns;
    const kinds = new Map<number, { readonly first: Flow; frames: number }>();
    for (let i = 0; i < this.length; ) {
      const [formAt = 0, sourceAt = 0] = [form[i], source[i]];
      const from = i;
      while (i < this.length && form[i] === formAt && source[i] === sourceAt) i += 1;
      const frames = (i - from) * (forms[formAt]?.count ?? 0);
      const key = formAt * sources.length + sourceAt;
      const [known, first] = [kinds.get(key), this.make(from)];
      if (known !== undefined) known.frames += frames;
      else if (first !== undefined) kinds.set(key, { first, frames });
    }
    return [...kinds.values()];
  }

  private search(holds: (flow: Flow, index: number) => boolean, wanted: boolean): boolean {
    for (let i = 0; i < this.length; i += 1) {
      const flow = this.make(i);
      if (flow !== undefined && holds(flow, i) === wanted) return true;
    }
    return false;
  }
}

function firstsOf({ first, forms, form }: FlowColumns): Float64Array {
  const firsts = new Float64Array(form.length);
  let token = first;
  for (let i = 0; i < firsts.length; i += 1) {
    firsts[i] = token;
    token += forms[form[i] ?? 0]?.count ?? 0;
  }
  return firsts;
}

function wholeFlow(
  { id, step, first }: FlowPosition,
  form: FlowForm,
  source: FlowSource,
  destination: FlowDestination,
): Flow {
  const flow: Flow = {
    id,
    step,
    probe: form.probe,
    class: form.class,
    carrier: form.carrier,
    vlan: form.vlan,
    from: source.from,
    to: destination.to,
    sender: source.sender,
    frame: frameOf(form, source, destination),
    count: form.count,
    first,
    must: destination.must,
    may: destination.may,
    judged: form.judged,
  };
  // Most have neither, and spreading an object costs as much as all the rest.
  return form.purpose === undefined && form.variant === undefined ? flow : { ...flow, ...kindOf(form) };
}

/** Flows of columns. */
export function flowTable(columns: FlowColumns): Flows & { toJSON(): unknown } {
  return new FlowTable(columns);
}

/** Flows from JSON in either form; null = inconsistent columns. */
export function carriedFlows(flows: Flows | FlowColumnsRecord): Flows | null {
  return 'forms' in flows ? readFlowColumns(flows) : flows;
}

/** Flows from plan.json's columns; null = inconsistent. */
export function readFlowColumns(record: FlowColumnsRecord): Flows | null {
  const { step, id, first, length, forms, sources, aims } = record;
  const form = parsePositions(record.form, length, forms.length);
  const source = parsePositions(record.source, length, sources.length);
  const destination = parsePositions(record.aim, length, aims.length);
  return form === null || source === null || destination === null
    ? null
    : flowTable({ step, id, first, forms, sources, aims, form, source, aim: destination });
}
