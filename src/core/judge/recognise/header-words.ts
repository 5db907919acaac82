import type { Flow } from '../../model/plan.js';
import { inTurn } from '../../plan/flows/shortcuts.js';
import { frameTemplate } from '../../probe/frames/frame.js';
import { macBytes, macLength } from '../../wire/ethernet.js';
import { type FrameView, viewFrame } from '../../wire/frame-view.js';
import { writeMark } from '../../wire/token.js';
import { type createHeaderReader, formOf } from './frame-form.js';

/** Bytes of a token that identify its run. */
export const ofRun = 6;

/** A flow's headers and run token part as 32-bit words in this machine's byte order. */
export interface HeaderWords {
  /** Always two bytes behind a word: index and tag are words too. */
  readonly tokenAt: number;
  /**
   * Pairs: bits of a word that are the same in all frames, without transport checksum and bits behind it, and their
   * values.
   */
  readonly words: Int32Array;
  readonly view: FrameView;
}

/**
 * `vary` clears in `same` bits that differ between frames, false = no such words. null = comparing would disagree with
 * the classifier.
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
    // The classifier looks for the token behind the last header: only there does a comparison agree. All possible
    // headers keep the rest of the token at words.
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
    // a plan from elsewhere may have impossible frames: their headers classify them
    return null;
  }
}

/** True if the frame at `start`, a word of `frameWords`, matches `like`'s words. */
export function isLike(frameWords: Int32Array, start: number, { words: like }: Pick<HeaderWords, 'words'>): boolean {
  let at = start >>> 2;
  for (let i = 0; i < like.length; i += 2, at += 1)
    if (((frameWords[at] ?? 0) & (like[i] ?? 0)) !== like[i + 1]) return false;
  return true;
}

/** Compares a frame's two MACs as words. */
export interface MacWords {
  are(words: Int32Array, at: number, srcMac: string, dstMac: string): boolean;
}

/** The address fills the first two or last two words. The other half of the middle one is 0. */
type Parts = Int32Array;

function partsOf(mac: string, at: number): Parts | null {
  const wanted = macBytes(mac);
  const bytes = new Uint8Array(2 * macLength);
  bytes.set(wanted ?? [], at);
  return wanted === null ? null : new Int32Array(bytes.buffer);
}

/** Parses MACs once, as most frames have the last one's. */
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
