import { maxTokens } from '../../model/plan.js';
import type { RowColumns } from './flow-rows.js';

const inRow = 32;
const perPage = 4096;
const pagesPerFlow = maxTokens / perPage;

/**
 * The tokens of a row. Consecutive ones are two numbers of the row; after a gap or a late one it has a bit for each.
 * `tokens`: number of the flow's.
 */
export class RowTokens {
  private words = new Uint32Array(64);
  private wordsUsed = 0;
  private readonly pages = new Map<number, Uint32Array<ArrayBuffer>>();
  private lastPage = -1;
  private lastWords = new Uint32Array(0);

  /** False = already there. The caller updates `columns.count`. */
  addToken(columns: RowColumns, row: number, sequence: number, tokens: number): boolean {
    if (columns.inOrder[row] === 0) return this.setBit(columns, row, sequence, tokens);
    const count = columns.count[row] ?? 0;
    const end = columns.bits[row] ?? 0;
    if (sequence === end || count === 0) {
      columns.bits[row] = sequence + 1;
      return true;
    }
    if (sequence >= end - count && sequence < end) return false;
    columns.inOrder[row] = 0;
    columns.bits[row] = tokens > inRow && tokens <= perPage ? this.newWords(tokens) : 0;
    for (let known = end - count; known < end; known += 1) this.setBit(columns, row, known, tokens);
    return this.setBit(columns, row, sequence, tokens);
  }

  hasToken(columns: RowColumns, row: number, sequence: number, tokens: number): boolean {
    if (columns.inOrder[row] === 0) return this.hasBit(columns, row, sequence, tokens);
    const end = columns.bits[row] ?? 0;
    return sequence >= end - (columns.count[row] ?? 0) && sequence < end;
  }

  private hasBit(columns: RowColumns, row: number, sequence: number, tokens: number): boolean {
    const bit = 1 << (sequence & 31);
    if (tokens <= inRow) return ((columns.bits[row] ?? 0) & bit) !== 0;
    if (tokens <= perPage) return ((this.words[(columns.bits[row] ?? 0) + (sequence >>> 5)] ?? 0) & bit) !== 0;
    const page = this.pages.get(row * pagesPerFlow + Math.floor(sequence / perPage));
    return ((page?.[(sequence % perPage) >>> 5] ?? 0) & bit) !== 0;
  }

  private setBit(columns: RowColumns, row: number, sequence: number, tokens: number): boolean {
    let among = columns.bits;
    let at = row;
    if (tokens > inRow && tokens <= perPage) {
      among = this.words;
      at = (columns.bits[row] ?? 0) + (sequence >>> 5);
    } else if (tokens > perPage) {
      among = this.pageAt(row * pagesPerFlow + Math.floor(sequence / perPage));
      at = (sequence % perPage) >>> 5;
    }
    const bit = 1 << (sequence & 31);
    const known = among[at] ?? 0;
    among[at] = known | bit;
    return (known & bit) === 0;
  }

  private newWords(tokens: number): number {
    const start = this.wordsUsed;
    this.wordsUsed += (tokens + 31) >>> 5;
    if (this.wordsUsed > this.words.length) {
      const larger = new Uint32Array(2 * Math.max(this.words.length, this.wordsUsed));
      larger.set(this.words);
      this.words = larger;
    }
    return start;
  }

  private pageAt(page: number): Uint32Array<ArrayBuffer> {
    if (page === this.lastPage) return this.lastWords;
    let words = this.pages.get(page);
    if (words === undefined) {
      words = new Uint32Array(perPage / 32);
      this.pages.set(page, words);
    }
    this.lastPage = page;
    this.lastWords = words;
    return words;
  }
}
