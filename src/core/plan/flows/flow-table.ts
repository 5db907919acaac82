import type { Flow, Flows, FrameSpec } from '../../model/plan.js';
import { type FlowAim, type FlowForm, FlowOfTable, type FlowSource, frameOf } from './flow-of-table.js';
import { parsePositions, positionText } from './position-text.js';

/**
 * Flow i is put together from form `form[i]`, source `source[i]` and aim `aim[i]`; ids and tokens number through from
 * the first's.
 */
export interface FlowColumns {
  readonly step: number;
  readonly id: number;
  readonly first: number;
  readonly forms: readonly FlowForm[];
  readonly sources: readonly FlowSource[];
  readonly aims: readonly FlowAim[];
  readonly form: Uint32Array;
  readonly source: Uint32Array;
  readonly aim: Uint32Array;
}

/** Columns as they stand in plan.json; `form`, `source` and `aim` as `positionText`. */
export type FlowColumnsRecord = Omit<FlowColumns, 'form' | 'source' | 'aim'> & {
  readonly length: number;
  readonly form: string;
  readonly source: string;
  readonly aim: string;
};

/** Up to this many flows stand in plan.json one by one, for people to read, and are whole objects. */
export const maxListed = 2000;

/** The part of a frame, and of a flow, that most of them have not: a key without a value is none. */
export function optionalForm({ form }: Pick<FrameSpec, 'form'>): Pick<FrameSpec, 'form'> {
  return form === undefined ? {} : { form };
}

export function kindOf({ purpose, variant }: Pick<Flow, 'purpose' | 'variant'>): Pick<Flow, 'purpose' | 'variant'> {
  return { ...(purpose === undefined ? {} : { purpose }), ...(variant === undefined ? {} : { variant }) };
}

/**
 * Flows that are made when they are asked for: a million of them take 20 MB. Where there are many, they hold references
 * to their parts alone.
 */
export function flowTable(columns: FlowColumns): Flows & { toJSON(): unknown } {
  const { step, id, forms, sources, aims, form, source, aim } = columns;
  const { length } = form;
  // Where flows differ in their count, the tokens before each are added up once.
  const counts = new Set(forms.map((form) => form.count));
  const [even = 0] = counts;
  const firsts = counts.size > 1 ? new Float64Array(length) : null;
  if (firsts !== null) {
    let token = columns.first;
    for (let i = 0; i < length; i += 1) {
      firsts[i] = token;
      token += forms[form[i] ?? 0]?.count ?? 0;
    }
  }
  const make = (i: number): Flow | undefined => {
    const common = forms[form[i] ?? -1];
    const from = sources[source[i] ?? -1];
    const to = aims[aim[i] ?? -1];
    if (common === undefined || from === undefined || to === undefined) return undefined;
    const first = firsts === null ? columns.first + i * even : (firsts[i] ?? 0);
    if (length > maxListed && common.purpose === undefined && common.variant === undefined)
      return new FlowOfTable({ id: id + i, step, first }, common, from, to);
    const flow: Flow = {
      id: id + i,
      step,
      probe: common.probe,
      class: common.class,
      carrier: common.carrier,
      vlan: common.vlan,
      from: from.from,
      to: to.to,
      sender: from.sender,
      frame: frameOf(common, from, to),
      count: common.count,
      first,
      must: to.must,
      may: to.may,
      judged: common.judged,
    };
    // Most have neither, and an object that is put together from others costs as much as all the rest.
    return common.purpose === undefined && common.variant === undefined ? flow : { ...flow, ...kindOf(common) };
  };
  const head = make(0);
  let last = head;
  let lastAt = 0;
  /**
   * A caller that looks for a token's flow asks for the first and then for one that is mostly that of the frame
   * before.
   */
  const at = (i: number): Flow | undefined => {
    if (i === 0) return head;
    if (i === lastAt) return last;
    last = make(i);
    lastAt = i;
    return last;
  };
  function* each(): Generator<Flow> {
    for (let i = 0; i < length; i += 1) {
      const flow = make(i);
      if (flow !== undefined) yield flow;
    }
  }
  const forEach = (visit: (flow: Flow, index: number) => void): void => {
    for (let i = 0; i < length; i += 1) {
      const flow = make(i);
      if (flow !== undefined) visit(flow, i);
    }
  };
  /** Found once: what was asked for before is the same for all that ask. */
  let found: readonly Flow[] | null = null;
  const kinds = (): readonly Flow[] => {
    if (found !== null) return found;
    const known = new Set<number>();
    const made: Flow[] = [];
    for (let i = 0, before = -1; i < length; i += 1) {
      const kind = (form[i] ?? 0) * sources.length + (source[i] ?? 0);
      if (kind === before || known.has(kind)) continue;
      known.add(kind);
      before = kind;
      const flow = make(i);
      if (flow !== undefined) made.push(flow);
    }
    found = made;
    return made;
  };
  const search = (holds: (flow: Flow, index: number) => boolean, wanted: boolean): boolean => {
    for (let i = 0; i < length; i += 1) {
      const flow = make(i);
      if (flow !== undefined && holds(flow, i) === wanted) return true;
    }
    return false;
  };
  const reduce = <T>(add: (sum: T, flow: Flow, index: number) => T, start: T): T => {
    let sum = start;
    forEach((flow, index) => {
      sum = add(sum, flow, index);
    });
    return sum;
  };
  return {
    length,
    at,
    forEach,
    reduce,
    kinds,
    [Symbol.iterator]: each,
    map: (of) => Array.from(each(), of),
    flatMap: <T>(of: (flow: Flow, index: number) => readonly T[]) =>
      reduce<T[]>((made, flow, index) => {
        for (const one of of(flow, index)) made.push(one);
        return made;
      }, []),
    filter: (keep) =>
      reduce<Flow[]>((kept, flow, index) => {
        if (keep(flow, index)) kept.push(flow);
        return kept;
      }, []),
    some: (holds) => search(holds, true),
    every: (holds) => !search(holds, false),
    toJSON(): readonly Flow[] | FlowColumnsRecord {
      if (length <= maxListed) return [...each()];
      return {
        step,
        id,
        first: columns.first,
        length,
        forms,
        sources,
        aims,
        form: positionText(form),
        source: positionText(source),
        aim: positionText(aim),
      };
    },
  };
}

/** Flows as JSON carried them, whichever way they were written; null where their columns do not fit together. */
export function carriedFlows(flows: Flows | FlowColumnsRecord): Flows | null {
  return 'forms' in flows ? readFlowColumns(flows) : flows;
}

/** Columns of plan.json as flows again; null where they do not fit together. */
export function readFlowColumns(record: FlowColumnsRecord): Flows | null {
  const { step, id, first, length, forms, sources, aims } = record;
  const form = parsePositions(record.form, length, forms.length);
  const source = parsePositions(record.source, length, sources.length);
  const aim = parsePositions(record.aim, length, aims.length);
  return form === null || source === null || aim === null
    ? null
    : flowTable({ step, id, first, forms, sources, aims, form, source, aim });
}
