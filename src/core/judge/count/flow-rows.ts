/** A mesh has a million flows of one row: a table would wait for memory. */
const fewRows = 8;

/** Beyond this most flows have a row: reserved pages come with use. */
const manyRows = 1 << 13;

/**
 * 50 bytes a row. `inOrder` 1: the seen tokens are the `count` before the one in `bits`. 0: `bits` has or locates them.
 */
function createColumns(length: number) {
  const words = (): Uint32Array<ArrayBuffer> => new Uint32Array(length);
  return {
    flow: words(),
    observer: words(),
    count: words(),
    high: words(),
    low: words(),
    bits: words(),
    inOrder: new Uint8Array(length),
    frame: new Float64Array(length),
    nextOfFlow: new Int32Array(length),
  };
}

export type RowColumns = ReturnType<typeof createColumns>;

function hashOf(flow: number, observer: number): number {
  const mixed = Math.imul(flow, 0x9e37_79b1) ^ Math.imul(observer, 0x85eb_ca77);
  return mixed ^ (mixed >>> 15);
}

/** Rows by flow and observer, both numbered from 0. */
export class FlowRows {
  columns = createColumns(64);
  size = 0;
  private table = new Int32Array(128);
  private inTable = 0;
  private readonly lastOfFlow: Int32Array;
  private readonly isTabled: Uint8Array;

  constructor(
    flows: number,
    private readonly limit: number,
  ) {
    this.lastOfFlow = new Int32Array(flows);
    this.isTabled = new Uint8Array(flows);
  }

  get isFull(): boolean {
    return this.size >= this.limit;
  }

  hasFlow(flow: number): boolean {
    return this.lastOfFlow[flow] !== undefined;
  }

  /** -1 = none. `columns.nextOfFlow` leads to earlier rows. */
  newestOf(flow: number): number {
    return (this.lastOfFlow[flow] ?? 0) - 1;
  }

  find(flow: number, observer: number): number {
    if (this.isTabled[flow] === 1) return (this.table[this.placeOf(flow, observer)] ?? 0) - 1;
    const { columns } = this;
    let looked = 0;
    for (let row = this.newestOf(flow); row >= 0; row = columns.nextOfFlow[row] ?? -1) {
      if (columns.observer[row] === observer) return row;
      looked += 1;
    }
    return -1 - looked; // number of the flow's rows
  }

  /** -1 = no room. */
  findOrAdd(flow: number, observer: number): number {
    const newest = this.newestOf(flow);
    if (newest >= 0 && this.columns.observer[newest] === observer) return newest;
    const known = this.find(flow, observer);
    if (known >= 0) return known;
    if (this.size >= this.limit) return -1;
    if (this.size === this.columns.flow.length) this.grow();
    const row = this.size;
    this.size += 1;
    const { columns } = this;
    columns.flow[row] = flow;
    columns.observer[row] = observer;
    columns.nextOfFlow[row] = newest;
    columns.inOrder[row] = 1;
    this.lastOfFlow[flow] = row + 1;
    if (this.isTabled[flow] === 1) this.putIntoTable(row);
    else if (known === -1 - fewRows) {
      this.isTabled[flow] = 1;
      for (let each = row; each >= 0; each = columns.nextOfFlow[each] ?? -1) this.putIntoTable(each);
    }
    return row;
  }

  private placeOf(flow: number, observer: number): number {
    const { table, columns } = this;
    const mask = table.length - 1;
    let at = hashOf(flow, observer) & mask;
    for (;;) {
      const row = (table[at] ?? 0) - 1;
      if (row < 0 || (columns.flow[row] === flow && columns.observer[row] === observer)) return at;
      at = (at + 1) & mask;
    }
  }

  private grow(): void {
    const old = this.columns;
    const many = old.flow.length < manyRows ? 0 : Math.min(this.lastOfFlow.length, this.limit);
    const columns = createColumns(Math.max(many, Math.ceil(1.5 * old.flow.length)));
    columns.flow.set(old.flow);
    columns.observer.set(old.observer);
    columns.count.set(old.count);
    columns.high.set(old.high);
    columns.low.set(old.low);
    columns.bits.set(old.bits);
    columns.inOrder.set(old.inOrder);
    columns.frame.set(old.frame);
    columns.nextOfFlow.set(old.nextOfFlow);
    this.columns = columns;
  }

  private putIntoTable(row: number): void {
    const { columns } = this;
    if (2 * (this.inTable + 1) > this.table.length) {
      const old = this.table;
      this.table = new Int32Array(2 * old.length);
      for (const known of old)
        if (known > 0) this.table[this.placeOf(columns.flow[known - 1] ?? 0, columns.observer[known - 1] ?? 0)] = known;
    }
    this.table[this.placeOf(columns.flow[row] ?? 0, columns.observer[row] ?? 0)] = row + 1;
    this.inTable += 1;
  }
}
