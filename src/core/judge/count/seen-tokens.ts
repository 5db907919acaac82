import { type Flow, type Flows, maxTokens } from '../../model/plan.js';
import { nsOf } from '../../pcap/time-words.js';
import { framesOfStep, inTurn } from '../../plan/flows/shortcuts.js';
import { FlowRows } from './flow-rows.js';
import { RowTokens } from './row-tokens.js';
import { TokenBits } from './token-bits.js';

/** A first sighting. */
export interface First {
  /** From 1 in evidence.pcapng. Below 0: −n is the observer's nth kept frame of the step in timeline.ndjson. */
  readonly frame: number;
  readonly timeNs: bigint;
}

const maxRows = 2 ** 20;

class ObserverNumbers {
  readonly names: string[] = [];
  private readonly numbers = new Map<string, number>();
  private last = -1;
  private readonly numberInTurn = inTurn((observer) => {
    const number = this.names.push(observer) - 1;
    this.numbers.set(observer, number);
    return number;
  });

  numberFor(observer: string): number {
    if (observer !== this.names[this.last]) this.last = this.numberInTurn(observer);
    return this.last;
  }

  numberOf(observer: string): number | undefined {
    return this.numbers.get(observer);
  }
}

function numberThrough(flows: Flows): boolean {
  let next = flows.at(0)?.first ?? 0;
  return flows.every(({ first, count }) => {
    const follows = first === next;
    next = first + count;
    return follows;
  });
}

const fewTokens = 8;

function tokensOfMany(flows: Flows): number {
  const tokens = framesOfStep({ flows });
  return tokens > 0 && tokens <= Math.min(maxTokens, fewTokens * flows.length) ? tokens : 0;
}

/**
 * Tokens of a step's flows by observer: a row of numbers for each flow and observer that saw any. The plan bounds
 * memory, not the captured frames. Beyond a million rows a token is a bit, without its first sighting; so are counted
 * frames that were not kept: a hub of 200 guests has eight million.
 */
export class SeenTokens {
  private readonly firstId: number;
  private readonly firstToken: number;
  private readonly observers = new ObserverNumbers();
  private readonly rows: FlowRows;
  private readonly tokens = new RowTokens();
  private readonly beyond: TokenBits;
  private isNumberedThrough: boolean | null = null;

  constructor(
    private readonly flows: Flows,
    limit = Math.max(maxRows, 2 * flows.length),
  ) {
    const first = flows.at(0);
    this.firstId = first?.id ?? 0;
    this.firstToken = first?.first ?? 0;
    this.rows = new FlowRows(flows.length, limit);
    this.beyond = new TokenBits(tokensOfMany(flows));
  }

  /**
   * Adds discarded tokens from `first` to before `end`, before any others. Returns the counts of continuous ones of the
   * step, and of new ones.
   */
  addCounted(
    flow: Flow,
    first: number,
    end: number,
    observer: string,
  ): { readonly taken: number; readonly fresh: number } {
    this.isNumberedThrough ??= numberThrough(this.flows);
    const last = (this.isNumberedThrough ? this.flows.at(this.flows.length - 1) : undefined) ?? flow;
    const taken = Math.min(end, last.first + last.count) - first;
    const number = this.observers.numberFor(observer);
    return { taken, fresh: this.beyond.setAll(number, first - this.firstToken, taken) };
  }

  /** False = seen by this observer before. The time is two 32-bit words of ns. */
  addToken(
    flow: Flow,
    sequence: number,
    observer: string,
    { frame, high, low }: { readonly frame: number; readonly high: number; readonly low: number },
  ): boolean {
    const { rows, beyond } = this;
    const position = flow.id - this.firstId;
    if (sequence < 0 || sequence >= flow.count || sequence >= maxTokens || !rows.hasFlow(position)) return false;
    const number = this.observers.numberFor(observer);
    const token = flow.first - this.firstToken + sequence;
    if (beyond.has(number, token)) return false;
    const row = rows.findOrAdd(position, number);
    if (row < 0) return beyond.set(number, token);
    const { columns } = rows;
    const isNew = this.tokens.addToken(columns, row, sequence, flow.count);
    const count = columns.count[row] ?? 0;
    const knownHigh = columns.high[row] ?? 0;
    if (count === 0 || high < knownHigh || (high === knownHigh && low < (columns.low[row] ?? 0))) {
      columns.frame[row] = frame;
      columns.high[row] = high;
      columns.low[row] = low;
    }
    if (isNew) columns.count[row] = count + 1;
    return isNew;
  }

  hasToken(flow: Flow, sequence: number, observer: string): boolean {
    if (sequence < 0 || sequence >= flow.count) return false;
    const row = this.rowOf(flow, observer);
    if (row >= 0 && this.tokens.hasToken(this.rows.columns, row, sequence, flow.count)) return true;
    const number = this.beyond.observers === 0 ? undefined : this.observers.numberOf(observer);
    return number !== undefined && this.beyond.has(number, flow.first - this.firstToken + sequence);
  }

  countTokens(flow: Flow, observer: string): number {
    const row = this.rowOf(flow, observer);
    const inRow = row < 0 ? 0 : (this.rows.columns.count[row] ?? 0);
    const number = this.beyond.observers === 0 ? undefined : this.observers.numberOf(observer);
    return number === undefined ? inRow : inRow + this.bitsOf(flow, number);
  }

  firstSighting(flow: Flow, observer: string): First | undefined {
    const row = this.rowOf(flow, observer);
    if (row < 0) return undefined;
    const { frame, high, low } = this.rows.columns;
    return { frame: frame[row] ?? 0, timeNs: nsOf({ high: high[row] ?? 0, low: low[row] ?? 0 }) };
  }

  /** In the capture's order. Observers without a row come last. */
  observersOf(flow: Flow): readonly string[] {
    const names: string[] = [];
    this.eachObserver(flow, (name) => names.push(name));
    return names;
  }

  /** null = none, or perhaps several. */
  onlyObserverOf(flow: Flow): string | null {
    const { rows, beyond } = this;
    const row = rows.newestOf(flow.id - this.firstId);
    if (row < 0 || beyond.observers > 0 || (rows.columns.nextOfFlow[row] ?? -1) >= 0) return null;
    return this.observers.names[rows.columns.observer[row] ?? 0] ?? null;
  }

  eachObserver(flow: Flow, take: (observer: string, tokens: number) => void): void {
    const { rows, beyond } = this;
    const { names } = this.observers;
    const { columns } = rows;
    const rowNumbers: number[] = [];
    for (let row = rows.newestOf(flow.id - this.firstId); row >= 0; row = columns.nextOfFlow[row] ?? -1)
      rowNumbers.push(row);
    for (let at = rowNumbers.length - 1; at >= 0; at -= 1) {
      const row = rowNumbers[at] ?? 0;
      const number = columns.observer[row] ?? 0;
      const bits = number < beyond.observers ? this.bitsOf(flow, number) : 0;
      take(names[number] ?? '', (columns.count[row] ?? 0) + bits);
    }
    if (beyond.observers === 0 || !rows.hasFlow(flow.id - this.firstId)) return;
    const inRows = new Set(rowNumbers.map((row) => columns.observer[row]));
    beyond.eachObserver(flow.first - this.firstToken, flow.count, (number) => {
      const bits = inRows.has(number) ? 0 : this.bitsOf(flow, number);
      if (bits > 0) take(names[number] ?? '', bits);
    });
  }

  private bitsOf(flow: Flow, observer: number): number {
    return this.beyond.count(observer, flow.first - this.firstToken, flow.count);
  }

  private rowOf(flow: Flow, observer: string): number {
    const position = flow.id - this.firstId;
    // Mostly the flow's last or only observer is asked for.
    const newest = this.rows.newestOf(position);
    if (newest >= 0 && this.observers.names[this.rows.columns.observer[newest] ?? -1] === observer) return newest;
    const number = this.observers.numberOf(observer);
    return number === undefined ? -1 : this.rows.find(position, number);
  }
}
