import type { Flow, Observer } from '../../model/plan.js';
import type { Finding } from '../../model/result.js';

/** A step writes down this many leaking rows one by one; a hub of 200 guests has eight million. */
export const maxLeakRows = 10_000;

/** Leaks at one observer that are alike but for their two ends, and have no rows of their own. */
export interface FoldedLeaks {
  /** The first of them. */
  readonly like: Finding;
  readonly from: ReadonlySet<string>;
  readonly to: ReadonlySet<string | null>;
  readonly rows: number;
  readonly sent: number;
  readonly seen: number;
}

/**
 * Where nearly every endpoint is unlike every other, leaks beyond this many folds are distinguished by their observer
 * alone.
 */
const maxFolds = 20_000;

interface Fold extends FoldedLeaks {
  readonly from: Set<string>;
  readonly to: Set<string | null>;
  rows: number;
  sent: number;
  seen: number;
  lastFlow: number;
}

/** Frames of one flow that one observer overheard. `kind`: the same object for all flows that differ in their ends only. */
export interface OverheardFlow {
  readonly kind: object;
  readonly flow: Flow;
  readonly observer: Observer;
  readonly sent: number;
  readonly seen: number;
}

/** Folds leaks: those of one kind of frame, whose senders, addressees and observer are alike, become one. */
export class LeakFolder {
  readonly #likeness: (name: string | null) => number;
  readonly #folds = new Map<object, Map<string, Map<string, Fold>>>();
  #key = '';
  #keyFlow = -1;
  #count = 0;

  /** This many leaking rows have each their own. */
  readonly maxRows: number;

  constructor(likeness: (name: string | null) => number, maxRows: number) {
    this.#likeness = likeness;
    this.maxRows = maxRows;
  }

  /** `makeRow`: asked once for all leaks that are folded into one. */
  add({ kind, flow, observer, sent, seen }: OverheardFlow, makeRow: () => Finding): void {
    if (this.#keyFlow !== flow.id) {
      this.#keyFlow = flow.id;
      this.#key = `${this.#likeness(flow.sender)} ${this.#likeness(flow.from)} ${this.#likeness(flow.to)}`;
    }
    const fold = this.#foldOf(kind, observer, makeRow);
    fold.rows += 1;
    fold.sent += sent;
    fold.seen += seen;
    if (fold.lastFlow === flow.id) return;
    fold.lastFlow = flow.id;
    fold.from.add(flow.from);
    fold.to.add(flow.to);
  }

  folded(): readonly FoldedLeaks[] {
    return [...this.#folds.values()].flatMap((byKey) => [...byKey.values()].flatMap((folds) => [...folds.values()]));
  }

  #foldOf(kind: object, observer: Observer, makeRow: () => Finding): Fold {
    let byKey = this.#folds.get(kind);
    if (byKey === undefined) this.#folds.set(kind, (byKey = new Map()));
    const known = byKey.get(this.#key)?.get(observer.name);
    if (known !== undefined) return known;
    const key = this.#count < maxFolds ? this.#key : '';
    let folds = byKey.get(key);
    if (folds === undefined) byKey.set(key, (folds = new Map()));
    let fold = folds.get(observer.name);
    if (fold === undefined) {
      this.#count += 1;
      fold = { like: makeRow(), from: new Set(), to: new Set(), rows: 0, sent: 0, seen: 0, lastFlow: -1 };
      folds.set(observer.name, fold);
    }
    return fold;
  }
}
