const perPage = 4096;
const wordsPerPage = perPage / 32;

function bitsIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/**
 * Which observer saw which tokens of a step, a bit for each, in pages that are made where one is set. For a mesh in
 * which everybody hears everybody this is a hundredth of a row for each pair. Observers and tokens are numbers from 0.
 */
export class TokenBits {
  private readonly pages: ((Uint32Array | undefined)[] | undefined)[] = [];
  /** For each 32 observers a word for each 32 tokens: the bits of those that may have seen one of them. */
  private readonly seenBy: ((Uint32Array | undefined)[] | undefined)[] = [];

  has(observer: number, token: number): boolean {
    const page = this.pages[observer]?.[Math.floor(token / perPage)];
    return ((page?.[(token % perPage) >>> 5] ?? 0) & (1 << (token & 31))) !== 0;
  }

  /** False if the bit was set. */
  set(observer: number, token: number): boolean {
    return this.setAll(observer, token, 1) === 1;
  }

  /** Sets the bits of `count` tokens from `first` on; gives how many of them were not set. */
  setAll(observer: number, first: number, count: number): number {
    const pages = (this.pages[observer] ??= []);
    const seenBy = (this.seenBy[observer >>> 5] ??= []);
    let fresh = 0;
    for (let token = first, end = first + count; token < end; ) {
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

  /** How many of `count` tokens from `first` on the observer saw. */
  count(observer: number, first: number, count: number): number {
    const pages = this.pages[observer];
    if (pages === undefined) return 0;
    if (count === 1) return Number(this.has(observer, first));
    let total = 0;
    for (let token = first, end = first + count; token < end; ) {
      const bit = token & 31;
      const length = Math.min(32 - bit, end - token);
      const mask = (length === 32 ? -1 : (1 << length) - 1) << bit;
      total += bitsIn((pages[Math.floor(token / perPage)]?.[(token % perPage) >>> 5] ?? 0) & mask);
      token += length;
    }
    return total;
  }

  /** The observers, in order, that may have seen any of `count` tokens from `first` on; no other has. */
  eachObserver(first: number, count: number, take: (observer: number) => void): void {
    for (const [group, seenBy] of this.seenBy.entries()) {
      let observers = 0;
      for (let token = first - (first & 31); seenBy !== undefined && token < first + count; token += 32)
        observers |= seenBy[Math.floor(token / perPage)]?.[(token % perPage) >>> 5] ?? 0;
      for (; observers !== 0; observers &= observers - 1) take(group * 32 + 31 - Math.clz32(observers & -observers));
    }
  }

  /** Observers below this number may have bits. */
  get observers(): number {
    return this.pages.length;
  }
}
