import { type Flow, type Flows, mostTokens } from '../../model/plan.js';
import { nsOf } from '../../pcap/time-words.js';
import { createTokenBits } from './token-bits.js';

/** Where something was first seen: the frame's number in the capture and its time. */
export interface First {
  /** 1-based in evidence.pcapng; below 0: −n is the observer's nth kept frame of the step in timeline.ndjson. */
  readonly frame: number;
  readonly timeNs: bigint;
}

/**
 * Which observer saw which tokens of a step's flows: a row of numbers for each flow and observer that saw any of it.
 * Tokens that come one after the other, as they were sent, are two numbers of that row; once one is missing or late,
 * the row has a bit for each token. Memory goes by what the plan asks at most, not by how many frames were captured.
 * Beyond a million rows a token is a bit, and where it was first seen is not known: a hub of 200 guests has eight
 * million.
 */
export interface SeenTokens {
  /** False if this observer has seen the token before. The time is two 32-bit words of ns. */
  add(flow: Flow, sequence: number, observer: string, frame: number, high: number, low: number): boolean;
  /** Has this observer seen the token? */
  has(flow: Flow, sequence: number, observer: string): boolean;
  /** Distinct tokens of the flow that the observer saw. */
  count(flow: Flow, observer: string): number;
  first(flow: Flow, observer: string): First | undefined;
  /** Everyone who saw any token of the flow, in the order of the capture; who has no row of it comes last. */
  observersOf(flow: Flow): readonly string[];
}

/**
 * Flows of no more tokens have their bits in their row, those of no more than a page in a run of words that their row
 * names, others in pages.
 */
const inRow = 32;
const perPage = 4096;
const pagesPerFlow = mostTokens / perPage;

/** Rows of a step, 50 octets each. */
const maxRows = 2 ** 20;

/**
 * A flow's rows are looked through one by one up to so many; flows with more are in the table. A mesh has a million
 * flows of one row: to look there is to wait for memory.
 */
const fewRows = 8;

/**
 * The rows as columns; all of one length, which grows by half. `inOrder` 1: the tokens seen are the `count` before that
 * in `bits`; 0: `bits` is or says where the bits are.
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

function hashOf(flow: number, observer: number): number {
  const mixed = Math.imul(flow, 0x9e37_79b1) ^ Math.imul(observer, 0x85eb_ca77);
  return mixed ^ (mixed >>> 15);
}

/** `limit`: rows of which it is known where they were first seen. */
export function createSeenTokens(flows: Flows, limit = Math.max(maxRows, 2 * flows.length)): SeenTokens {
  const firstToken = flows.at(0)?.first ?? 0;
  const beyond = createTokenBits();
  const firstId = flows.at(0)?.id ?? 0;
  const names: string[] = [];
  const numbers = new Map<string, number>();
  let lastNumber = -1;
  let columns = createColumns(64);
  let rows = 0;
  /** Open addressing: row + 1 by hash of flow and observer; 0 = free. At most half full. */
  let table = new Int32Array(128);
  let inTable = 0;
  /** Row + 1 of the last observer that came to a flow, by the flow's position. */
  const lastOfFlow = new Int32Array(flows.length);
  /** 1: the rows of the flow are in the table. */
  const isTabled = new Uint8Array(flows.length);
  let words = new Uint32Array(64);
  let wordsUsed = 0;
  const pages = new Map<number, Uint32Array<ArrayBuffer>>();
  let lastPage = -1;
  let lastWords = new Uint32Array(0);

  function numberOf(observer: string): number {
    if (observer === names[lastNumber]) return lastNumber;
    let number = numbers.get(observer);
    if (number === undefined) {
      number = names.length;
      numbers.set(observer, number);
      names.push(observer);
    }
    lastNumber = number;
    return number;
  }
  /** Where a row stands in the table, or would. */
  function placeOf(flow: number, observer: number): number {
    const mask = table.length - 1;
    let at = hashOf(flow, observer) & mask;
    for (;;) {
      const row = (table[at] ?? 0) - 1;
      if (row < 0 || (columns.flow[row] === flow && columns.observer[row] === observer)) return at;
      at = (at + 1) & mask;
    }
  }
  function grow(): void {
    const old = columns;
    columns = createColumns(Math.ceil(1.5 * old.flow.length));
    columns.flow.set(old.flow);
    columns.observer.set(old.observer);
    columns.count.set(old.count);
    columns.high.set(old.high);
    columns.low.set(old.low);
    columns.bits.set(old.bits);
    columns.inOrder.set(old.inOrder);
    columns.frame.set(old.frame);
    columns.nextOfFlow.set(old.nextOfFlow);
  }
  function putIntoTable(row: number): void {
    if (2 * (inTable + 1) > table.length) {
      const old = table;
      table = new Int32Array(2 * old.length);
      for (const known of old)
        if (known > 0) table[placeOf(columns.flow[known - 1] ?? 0, columns.observer[known - 1] ?? 0)] = known;
    }
    table[placeOf(columns.flow[row] ?? 0, columns.observer[row] ?? 0)] = row + 1;
    inTable += 1;
  }
  /**
   * The row of a flow and an observer; -1 = none, -1 - n = none among the n rows of a flow that is not in the table.
   */
  function rowOf(position: number, observer: number): number {
    if (isTabled[position] === 1) return (table[placeOf(position, observer)] ?? 0) - 1;
    let looked = 0;
    for (let row = (lastOfFlow[position] ?? 0) - 1; row >= 0; row = columns.nextOfFlow[row] ?? -1) {
      if (columns.observer[row] === observer) return row;
      looked += 1;
    }
    return -1 - looked;
  }
  /** Where the words for the bits of so many tokens begin. */
  function newWords(tokens: number): number {
    const start = wordsUsed;
    wordsUsed += (tokens + 31) >>> 5;
    if (wordsUsed > words.length) {
      const larger = new Uint32Array(2 * Math.max(words.length, wordsUsed));
      larger.set(words);
      words = larger;
    }
    return start;
  }
  /** -1 = there are too many for a new one. */
  function rowFor(position: number, observer: number): number {
    const newest = (lastOfFlow[position] ?? 0) - 1;
    if (newest >= 0 && columns.observer[newest] === observer) return newest;
    const known = rowOf(position, observer);
    if (known >= 0) return known;
    if (rows >= limit) return -1;
    if (rows === columns.flow.length) grow();
    const row = rows;
    rows += 1;
    columns.flow[row] = position;
    columns.observer[row] = observer;
    columns.nextOfFlow[row] = newest;
    columns.inOrder[row] = 1;
    lastOfFlow[position] = row + 1;
    if (isTabled[position] === 1) putIntoTable(row);
    else if (known === -1 - fewRows) {
      isTabled[position] = 1;
      for (let one = row; one >= 0; one = columns.nextOfFlow[one] ?? -1) putIntoTable(one);
    }
    return row;
  }
  function pageAt(page: number): Uint32Array<ArrayBuffer> {
    const known = pages.get(page);
    if (known !== undefined) return known;
    const made = new Uint32Array(perPage / 32);
    pages.set(page, made);
    return made;
  }
  /** Is the bit of a token set? */
  function hasBit(row: number, sequence: number, tokens: number): boolean {
    const bit = 1 << (sequence & 31);
    if (tokens <= inRow) return ((columns.bits[row] ?? 0) & bit) !== 0;
    if (tokens <= perPage) return ((words[(columns.bits[row] ?? 0) + (sequence >>> 5)] ?? 0) & bit) !== 0;
    const page = pages.get(row * pagesPerFlow + Math.floor(sequence / perPage));
    return ((page?.[(sequence % perPage) >>> 5] ?? 0) & bit) !== 0;
  }
  /** Is the token among those of a row? */
  function isNoted(row: number, sequence: number, tokens: number): boolean {
    if (columns.inOrder[row] === 0) return hasBit(row, sequence, tokens);
    const end = columns.bits[row] ?? 0;
    return sequence >= end - (columns.count[row] ?? 0) && sequence < end;
  }
  /** Sets the bit of a token; false if it was set. */
  function setBit(row: number, sequence: number, tokens: number): boolean {
    let among = columns.bits;
    let at = row;
    if (tokens > inRow && tokens <= perPage) {
      among = words;
      at = (columns.bits[row] ?? 0) + (sequence >>> 5);
    } else if (tokens > perPage) {
      const page = row * pagesPerFlow + Math.floor(sequence / perPage);
      among = page === lastPage ? lastWords : pageAt(page);
      lastPage = page;
      lastWords = among;
      at = (sequence % perPage) >>> 5;
    }
    const bit = 1 << (sequence & 31);
    const known = among[at] ?? 0;
    among[at] = known | bit;
    return (known & bit) === 0;
  }
  /** Adds a token to those of a row; false if it was among them. */
  function note(row: number, sequence: number, tokens: number): boolean {
    if (columns.inOrder[row] === 0) return setBit(row, sequence, tokens);
    const count = columns.count[row] ?? 0;
    const end = columns.bits[row] ?? 0;
    if (sequence === end || count === 0) {
      columns.bits[row] = sequence + 1;
      return true;
    }
    if (sequence >= end - count && sequence < end) return false;
    columns.inOrder[row] = 0;
    columns.bits[row] = tokens > inRow && tokens <= perPage ? newWords(tokens) : 0;
    for (let known = end - count; known < end; known += 1) setBit(row, known, tokens);
    return setBit(row, sequence, tokens);
  }
  /** -1 = none. */
  function find(flow: Flow, observer: string): number {
    const position = flow.id - firstId;
    // Mostly asked for is who came to the flow last, or alone.
    const newest = (lastOfFlow[position] ?? 0) - 1;
    if (newest >= 0 && names[columns.observer[newest] ?? -1] === observer) return newest;
    const number = numbers.get(observer);
    return number === undefined ? -1 : rowOf(position, number);
  }

  return {
    add(flow, sequence, observer, frame, high, low) {
      const position = flow.id - firstId;
      if (sequence < 0 || sequence >= flow.count || sequence >= mostTokens || lastOfFlow[position] === undefined)
        return false;
      const number = numberOf(observer);
      const row = rowFor(position, number);
      if (row < 0) return beyond.set(number, flow.first - firstToken + sequence);
      const fresh = note(row, sequence, flow.count);
      const { count } = columns;
      const knownHigh = columns.high[row] ?? 0;
      if (count[row] === 0 || high < knownHigh || (high === knownHigh && low < (columns.low[row] ?? 0))) {
        columns.frame[row] = frame;
        columns.high[row] = high;
        columns.low[row] = low;
      }
      if (fresh) count[row] = (count[row] ?? 0) + 1;
      return fresh;
    },
    has(flow, sequence, observer) {
      const row = find(flow, observer);
      if (sequence < 0 || sequence >= flow.count) return false;
      if (row >= 0) return isNoted(row, sequence, flow.count);
      const number = numbers.get(observer);
      return number !== undefined && beyond.has(number, flow.first - firstToken + sequence);
    },
    count(flow, observer) {
      const row = find(flow, observer);
      if (row >= 0) return columns.count[row] ?? 0;
      const number = rows < limit ? undefined : numbers.get(observer);
      return number === undefined ? 0 : beyond.count(number, flow.first - firstToken, flow.count);
    },
    first(flow, observer) {
      const row = find(flow, observer);
      return row < 0
        ? undefined
        : {
            frame: columns.frame[row] ?? 0,
            timeNs: nsOf({ high: columns.high[row] ?? 0, low: columns.low[row] ?? 0 }),
          };
    },
    observersOf(flow) {
      const found: string[] = [];
      for (let row = (lastOfFlow[flow.id - firstId] ?? 0) - 1; row >= 0; row = columns.nextOfFlow[row] ?? -1)
        found.push(names[columns.observer[row] ?? 0] ?? '');
      found.reverse();
      if (rows < limit) return found;
      for (const number of beyond.observers())
        if (beyond.count(number, flow.first - firstToken, flow.count) > 0) found.push(names[number] ?? '');
      return found;
    },
  };
}
