const perPage = 4096;

/**
 * Which observer saw which tokens of a step, a bit for each, in pages that are made where one is set. For a mesh in
 * which everybody hears everybody this is a hundredth of a row for each pair.
 */
export interface TokenBits {
  /** False if the bit was set. */
  set(observer: number, token: number): boolean;
  has(observer: number, token: number): boolean;
  /** How many of `count` tokens from `first` on the observer saw. */
  count(observer: number, first: number, count: number): number;
  /** Observers of whom any bit is set. */
  observers(): readonly number[];
}

/** Tokens are numbered from 0 within the step. */
export function createTokenBits(): TokenBits {
  const pages = new Map<number, (Uint32Array | undefined)[]>();
  let lastObserver = -1;
  let lastPages: (Uint32Array | undefined)[] = [];

  function pagesOf(observer: number): (Uint32Array | undefined)[] | undefined {
    if (observer === lastObserver) return lastPages;
    const known = pages.get(observer);
    if (known === undefined) return undefined;
    lastObserver = observer;
    lastPages = known;
    return known;
  }
  function has(observer: number, token: number): boolean {
    const page = pagesOf(observer)?.[Math.floor(token / perPage)];
    return ((page?.[(token % perPage) >>> 5] ?? 0) & (1 << (token & 31))) !== 0;
  }
  return {
    has,
    set(observer, token) {
      let own = pagesOf(observer);
      if (own === undefined) pages.set(observer, (own = []));
      const at = Math.floor(token / perPage);
      const page = (own[at] ??= new Uint32Array(perPage / 32));
      const word = (token % perPage) >>> 5;
      const bit = 1 << (token & 31);
      const known = page[word] ?? 0;
      page[word] = known | bit;
      return (known & bit) === 0;
    },
    count(observer, first, count) {
      let seen = 0;
      for (let token = first; token < first + count; token += 1) if (has(observer, token)) seen += 1;
      return seen;
    },
    observers: () => [...pages.keys()],
  };
}
