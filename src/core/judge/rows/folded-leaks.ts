import type { Flow, Observer } from '../../model/plan.js';
import type { Finding } from '../../model/result.js';

/** Leaking rows that a step lists. A hub of 200 guests has eight million. */
export const maxLeakRows = 10_000;

/** Leaks at one observer that differ only in their ends, without own rows. */
export interface FoldedLeaks {
  readonly like: Finding;
  readonly from: ReadonlySet<string>;
  readonly to: ReadonlySet<string | null>;
  readonly rows: number;
  readonly sent: number;
  readonly seen: number;
}

/** If nearly all endpoints differ, further leaks are distinguished only by observer. */
const maxFolds = 20_000;

interface Fold {
  readonly like: Finding;
  readonly from: NumberSet;
  readonly to: NumberSet;
  rows: number;
  sent: number;
  seen: number;
}

/** A bit each: a hub of 200 guests adds two for each of eight million leaks. */
class NumberSet {
  #words = new Uint32Array(1);

  add(number: number): void {
    const word = number >>> 5;
    if (word >= this.#words.length) {
      const longer = new Uint32Array(Math.max(word + 1, 2 * this.#words.length));
      longer.set(this.#words);
      this.#words = longer;
    }
    this.#words[word] = (this.#words[word] ?? 0) | (1 << (number & 31));
  }

  of<T>(names: readonly T[]): ReadonlySet<T> {
    return new Set(names.filter((_, number) => ((this.#words[number >>> 5] ?? 0) & (1 << (number & 31))) !== 0));
  }
}

/** A flow's frames overheard by one observer. `kind`: one object for all flows that differ only in their ends. */
export interface OverheardFlow {
  readonly kind: object;
  readonly flow: Flow;
  readonly observer: Observer;
  readonly sent: number;
  readonly seen: number;
}

interface Turn {
  readonly flow: number;
  readonly kind: object;
  readonly from: number;
  readonly to: number;
  readonly key: string;
  known: Map<string, Fold> | undefined;
}

/** Joins leaks of one kind of frame with like senders, addressees and observer. */
export class LeakFolder {
  readonly #likeness: (name: string | null) => number;
  readonly #folds = new Map<object, Map<string, Map<string, Fold>>>();
  readonly #names: (string | null)[] = [];
  readonly #numbers = new Map<string | null, number>();
  #last: Turn | null = null;
  #count = 0;

  readonly maxRows: number;

  constructor(likeness: (name: string | null) => number, maxRows: number) {
    this.#likeness = likeness;
    this.maxRows = maxRows;
  }

  add({ kind, flow, observer, sent, seen }: OverheardFlow, makeRow: () => Finding): void {
    const last = this.#last?.flow === flow.id && this.#last.kind === kind ? this.#last : this.#turnTo(flow, kind);
    const fold = last.known?.get(observer.name) ?? this.#foldOf(last, observer, makeRow);
    fold.rows += 1;
    fold.sent += sent;
    fold.seen += seen;
    fold.from.add(last.from);
    fold.to.add(last.to);
  }

  folded(): readonly FoldedLeaks[] {
    return [...this.#folds.values()].flatMap((byKey) =>
      [...byKey.values()].flatMap((folds) =>
        [...folds.values()].map((fold) => ({
          ...fold,
          from: new Set([...fold.from.of(this.#names)].flatMap((name) => name ?? [])),
          to: fold.to.of(this.#names),
        })),
      ),
    );
  }

  #turnTo(flow: Flow, kind: object): Turn {
    const key = `${this.#likeness(flow.sender)} ${this.#likeness(flow.from)} ${this.#likeness(flow.to)}`;
    return (this.#last = {
      flow: flow.id,
      kind,
      from: this.#numberOf(flow.from),
      to: this.#numberOf(flow.to),
      key,
      known: this.#folds.get(kind)?.get(key),
    });
  }

  #numberOf(name: string | null): number {
    let number = this.#numbers.get(name);
    if (number === undefined) this.#numbers.set(name, (number = this.#names.push(name) - 1));
    return number;
  }

  #foldOf(last: Turn, observer: Observer, makeRow: () => Finding): Fold {
    let byKey = this.#folds.get(last.kind);
    if (byKey === undefined) this.#folds.set(last.kind, (byKey = new Map()));
    const key = this.#count < maxFolds ? last.key : '';
    let folds = byKey.get(key);
    if (folds === undefined) byKey.set(key, (folds = new Map()));
    if (key === last.key) last.known = folds;
    let fold = folds.get(observer.name);
    if (fold === undefined) {
      this.#count += 1;
      fold = { like: makeRow(), from: new NumberSet(), to: new NumberSet(), rows: 0, sent: 0, seen: 0 };
      folds.set(observer.name, fold);
    }
    return fold;
  }
}
