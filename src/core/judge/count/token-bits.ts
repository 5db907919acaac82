const perPage = 4096;
const wordsPerPage = perPage / 32;

function bitsIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

const maxAlone = 0xffff;

/**
 * Tokens of a step by observer, both numbered from 0. A token's first observer is a number; others have a bit, in pages
 * made on demand: in a mesh of all hearing all a hundredth of a row for each pair; no pages if each token has one
 * observer.
 */
export class TokenBits {
  private readonly pages: ((Uint32Array | undefined)[] | undefined)[] = [];
  private readonly seenBy: ((Uint32Array | undefined)[] | undefined)[] = [];
  private firstOf = new Uint16Array(0);
  private most = 0;

  /** Tokens below `tokens` have a first observer, in two bytes. 0 = all are bits. */
  constructor(private readonly tokens = 0) {}

  has(observer: number, token: number): boolean {
    if (this.firstOf[token] === observer + 1) return true;
    const page = this.pages[observer]?.[Math.floor(token / perPage)];
    return ((page?.[(token % perPage) >>> 5] ?? 0) & (1 << (token & 31))) !== 0;
  }

  set(observer: number, token: number): boolean {
    return this.setAll(observer, token, 1) === 1;
  }

  setAll(observer: number, first: number, count: number): number {
    this.most = Math.max(this.most, observer + 1);
    if (this.firstOf.length < this.tokens) this.firstOf = new Uint16Array(this.tokens);
    const { firstOf } = this;
    let fresh = 0;
    // Runs of tokens with another first observer are set as words.
    let from = first;
    for (let token = first, end = first + count; token < end; token += 1) {
      const known = observer < maxAlone ? firstOf[token] : undefined;
      if (known !== 0 && known !== observer + 1) continue;
      if (known === 0) {
        firstOf[token] = observer + 1;
        fresh += 1;
      }
      if (token > from) fresh += this.setBits(observer, from, token);
      from = token + 1;
    }
    return from < first + count ? fresh + this.setBits(observer, from, first + count) : fresh;
  }

  private setBits(observer: number, first: number, end: number): number {
    const pages = (this.pages[observer] ??= []);
    const seenBy = (this.seenBy[observer >>> 5] ??= []);
    let fresh = 0;
    for (let token = first; token < end; ) {
      const number = Math.floor(token / perPage);
      const page = (pages[number] ??= new Uint32Array(wordsPerPage));
      const word = (token % perPage) >>> 5;
      const observers = (seenBy[number] ??= new Uint32Array(wordsPerPage));
      observers[word] = (observers[word] ?? 0) | (1 << (observer & 31));
      const bit = token & 31;
      const length = Math.min(32 - bit, end - token);
      const mask = (length === 32 ? -1 : (1 << length) - 1) << bit;
      const known = page[word] ?? 0;
      page[word] = known | mask;
      fresh += bitsIn(mask & ~known);
      token += length;
    }
    return fresh;
  }

  count(observer: number, first: number, count: number): number {
    if (count === 1) return Number(this.has(observer, first));
    let total = 0;
    for (let token = first, end = first + count; token < end; token += 1)
      if (this.firstOf[token] === observer + 1) total += 1;
    return total + this.countBits(observer, first, first + count);
  }

  private countBits(observer: number, first: number, end: number): number {
    const pages = this.pages[observer];
    if (pages === undefined) return 0;
    let total = 0;
    for (let token = first; token < end; ) {
      const bit = token & 31;
      const length = Math.min(32 - bit, end - token);
      const mask = (length === 32 ? -1 : (1 << length) - 1) << bit;
      total += bitsIn((pages[Math.floor(token / perPage)]?.[(token % perPage) >>> 5] ?? 0) & mask);
      token += length;
    }
    return total;
  }

  /** In order, observers that may have seen any of the tokens. No other has. */
  eachObserver(first: number, count: number, take: (observer: number) => void): void {
    if (count === 1 && this.seenBy.length === 0) {
      const observer = this.firstOf[first] ?? 0;
      if (observer > 0) take(observer - 1);
      return;
    }
    const groups = this.firstObservers(first, count);
    for (let group = 0; group < Math.max(groups.length, this.seenBy.length); group += 1) {
      const seenBy = this.seenBy[group];
      let observers = groups[group] ?? 0;
      for (let token = first - (first & 31); seenBy !== undefined && token < first + count; token += 32)
        observers |= seenBy[Math.floor(token / perPage)]?.[(token % perPage) >>> 5] ?? 0;
      for (; observers !== 0; observers &= observers - 1) take(group * 32 + 31 - Math.clz32(observers & -observers));
    }
  }

  private firstObservers(first: number, count: number): readonly (number | undefined)[] {
    const groups: number[] = [];
    for (let token = first; token < first + count; token += 1) {
      const observer = (this.firstOf[token] ?? 0) - 1;
      if (observer >= 0) groups[observer >>> 5] = (groups[observer >>> 5] ?? 0) | (1 << (observer & 31));
    }
    return groups;
  }

  get observers(): number {
    return this.most;
  }
}
