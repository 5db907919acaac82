/**
 * A capture filter may say `token 0x1234abcd`: the frames that carry a token of that run, wherever it stands in their
 * first 512 bytes. It is libpcap's language otherwise (pcap-filter(7)), into which `expandTokenWord` puts it.
 */

/**
 * A token is looked for that far into a frame: NAT keeps its place, a tunnel in a tunnel moves it by some 150 bytes.
 */
export const searchDepth = 512;
/**
 * As far as kernels before Linux 6.7 allow, whose net.core.optmem_max of 20,480 bytes takes a program of half that
 * many places.
 */
const leastSearchDepth = 160;

const ethernetHeader = 14;
/** Bytes of a token before the run's tag, and with it (token.ts). */
const beforeTag = 2;
const tagBytes = 4;
const word = /\btoken 0x([0-9a-f]{8})\b/g;

/** The word for the tokens of a run. */
export function tokenWord(runTag: number): string {
  return `token 0x${runTag.toString(16).padStart(8, '0')}`;
}

/** Does the filter take tokens wherever they stand? */
function hasTokenWord(filter: string): boolean {
  return new RegExp(word.source).test(filter);
}

/**
 * Depths at which the filter is tried, the first that a kernel takes being the one: a filter without the word has one.
 */
export function searchDepthsOf(filter: string): readonly number[] {
  return hasTokenWord(filter) ? [searchDepth, leastSearchDepth] : [searchDepth];
}

/**
 * The filter in libpcap's own words: the run's tag at each place of the first `depth` bytes, in ascending order, since
 * a load beyond a frame's end refuses it (linux/filter.h: classic BPF). So the word has to stand last.
 */
export function expandTokenWord(filter: string, depth: number): string {
  return filter.replace(word, (_, tag: string) => {
    const places = Array.from(
      { length: depth - tagBytes - ethernetHeader - beforeTag + 1 },
      (__, at) => `ether[${ethernetHeader + beforeTag + at}:4] = 0x${tag}`,
    );
    return places.join(' or ');
  });
}
