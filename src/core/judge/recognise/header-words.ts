import type { Flow } from '../../model/plan.js';
import { inTurn } from '../../plan/flows/shortcuts.js';
import { frameTemplate } from '../../probe/frames/frame.js';
import { macBytes, macLength } from '../../wire/ethernet.js';
import { type FrameView, viewFrame } from '../../wire/frame-view.js';
import { writeMark } from '../../wire/token.js';
import { type createHeaderReader, formOf } from './frame-form.js';

/** Bytes at the start of a token that say whose it is. */
export const ofRun = 6;

/**
 * A flow's frame as 32-bit words of this machine's order: the headers, and of the token what all of a run have in
 * common.
 */
export interface HeaderWords {
  /** Offset of the token, always two bytes behind a word's begin: index and tag are words as well. */
  readonly tokenAt: number;
  /**
   * Pairs: which bits of a word are the same in every frame (all but the transport checksum's and those behind), and
   * their values.
   */
  readonly words: Int32Array;
  readonly view: FrameView;
}

/**
 * `vary` clears in `same` the bits that differ between frames to be known by the same words; false = there are no such
 * words. Null where a comparison would not say what the classifier does.
 */
export function headerWords(
  flow: Flow,
  runTag: number,
  headersOf: ReturnType<typeof createHeaderReader>,
  vary: (same: Uint8Array, view: FrameView) => boolean = () => true,
): HeaderWords | null {
  try {
    const { bytes, tokenAt, checksumAt, sweepsSource } = frameTemplate(flow.frame);
    const view = viewFrame(bytes, 0, bytes.length);
    // The classifier looks for the token behind the last header: only there does a comparison say the same.
    // Every header that a frame can have keeps the rest of the token at words.
    if (
      sweepsSource === true ||
      (tokenAt & 3) !== 2 ||
      view?.payloadAt !== tokenAt ||
      formOf(bytes, view, headersOf(flow.frame), tokenAt) !== 'as-sent'
    )
      return null;
    const like = new Uint8Array((tokenAt + ofRun + 3) & ~3);
    const same = like.slice();
    like.set(bytes.subarray(0, tokenAt));
    writeMark(like, tokenAt, runTag);
    same.fill(0xff, 0, tokenAt + ofRun);
    if (checksumAt >= 0) same.fill(0, checksumAt, checksumAt + 2);
    if (!vary(same, view)) return null;
    const values = new Int32Array(like.buffer);
    const words = Int32Array.from(new Int32Array(same.buffer)).reduce<number[]>(
      (pairs, mask, i) => [...pairs, mask, mask & (values[i] ?? 0)],
      [],
    );
    return { tokenAt, words: Int32Array.from(words), view };
  } catch {
    // a plan that somebody wrote may hold frames that cannot be built: they are classified by their headers
    return null;
  }
}

/** True if the frame whose bytes begin at `start`, at a word of `frameWords`, has the values of `like`'s words. */
export function isLike(frameWords: Int32Array, start: number, { words: like }: Pick<HeaderWords, 'words'>): boolean {
  let at = start >>> 2;
  for (let i = 0; i < like.length; i += 2, at += 1)
    if (((frameWords[at] ?? 0) & (like[i] ?? 0)) !== like[i + 1]) return false;
  return true;
}

/** Compares the two addresses that a frame begins with as words. */
export interface MacWords {
  /**
   * True if the frame at `words[at]`, 32-bit words of this machine's order, carries these MACs. A text that is not a
   * MAC is nobody's.
   */
  are(words: Int32Array, at: number, srcMac: string, dstMac: string): boolean;
}

/** Three words, of which one address has the first two or the last two; the other half of the middle one is 0. */
type Parts = Int32Array;

/** The words of an address, `at` bytes behind the first of the frame; null = it is not a MAC. */
function partsOf(mac: string, at: number): Parts | null {
  const wanted = macBytes(mac);
  const bytes = new Uint8Array(2 * macLength);
  bytes.set(wanted ?? [], at);
  return wanted === null ? null : new Int32Array(bytes.buffer);
}

/** MACs are read once each; most frames carry those of the one before. */
export function createMacWords(): MacWords {
  const last = { src: '', dst: '' };
  let src: Parts | null = null;
  let dst: Parts | null = null;
  const srcParts = inTurn((mac) => partsOf(mac, macLength));
  const dstParts = inTurn((mac) => partsOf(mac, 0));
  return {
    are(words, at, srcMac, dstMac) {
      if (srcMac !== last.src) {
        src = srcParts(srcMac);
        last.src = srcMac;
      }
      if (dstMac !== last.dst) {
        dst = dstParts(dstMac);
        last.dst = dstMac;
      }
      if (src === null || dst === null) return false;
      return words[at] === dst[0] && words[at + 1] === ((dst[1] ?? 0) | (src[1] ?? 0)) && words[at + 2] === src[2];
    },
  };
}
