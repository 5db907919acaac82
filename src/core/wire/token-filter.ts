/**
 * A capture filter may have `token 0x1234abcd`: frames with a token of that run in their first 512 bytes.
 * `expandTokenWord` makes it libpcap's language (pcap-filter(7)).
 */

/** NAT keeps a token's place; a tunnel in a tunnel moves it by some 150 bytes. */
export const searchDepth = 512;
/** For kernels before Linux 6.7, whose net.core.optmem_max of 20,480 bytes takes half as many places. */
const leastSearchDepth = 160;

const ethernetHeader = 14;
const beforeTag = 2;
const tagBytes = 4;
const word = /\btoken 0x([0-9a-f]{8})\b/g;

export function tokenWord(runTag: number): string {
  return `token 0x${runTag.toString(16).padStart(8, '0')}`;
}

function hasTokenWord(filter: string): boolean {
  return new RegExp(word.source).test(filter);
}

/** Depths to try until the kernel takes the filter; without the word there is one. */
export function searchDepthsOf(filter: string): readonly number[] {
  return hasTokenWord(filter) ? [searchDepth, leastSearchDepth] : [searchDepth];
}

/**
 * Replaces the last word by libpcap's, a test at each place of the first `depth` bytes. The order ascends, as a load
 * beyond a frame's end refuses it (linux/filter.h: classic BPF).
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
