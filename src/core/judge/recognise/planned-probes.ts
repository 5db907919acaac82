import type { Flow } from '../../model/plan.js';
import { asNumber, readU32 } from '../../wire/bytes.js';
import { magicHigh, magicLow, tokenIndex, tokenLength } from '../../wire/token.js';
import { createHeaderReader } from './frame-form.js';
import { type HeaderWords, headerWords, isLike, ofRun } from './header-words.js';
import { createPlannedKinds, type PlannedProbe } from './planned-kinds.js';
import type { RunTags } from './run-tags.js';

/**
 * Knows frames that are, byte for byte up to their token, what the plan sends. Most frames with a token are: a
 * comparison recognises them, where reading headers takes ten times as long. What this does not know is left to the
 * classifier, with which it never disagrees.
 */
export interface PlannedProbes {
  read(bytes: Uint8Array, start: number, end: number): PlannedProbe | null;
  /** Remembers a probe that the classifier found as it was sent, so that those like it are known. */
  learn(flow: Flow, sequence: number): void;
}

/** How the frames of a flow are known. */
interface Template extends Omit<HeaderWords, 'view'> {
  readonly flow: Flow;
  readonly first: number;
  readonly end: number;
}

/**
 * A flow gets a template once this many of its frames have come, without too many of others between; before, it would
 * cost more than it saves.
 */
const worthATemplate = 16;
/** Flows that are counted at a time, a power of two, and templates that are kept. */
const counted = 1024;
const maxTemplates = 4096;
/** Slots that templates are found in by a token's index, 16 indices a slot; a power of two. */
const slots = 1024;
const indicesPerSlot = 4;
/** Places in a frame where tokens are looked for: the carriers without and with tags. */
const maxPlaces = 8;

function templateOf(flow: Flow, runTag: number, headersOf: ReturnType<typeof createHeaderReader>): Template | null {
  const found = headerWords(flow, runTag, headersOf);
  return found === null
    ? null
    : { flow, first: flow.first, end: flow.first + flow.count, tokenAt: found.tokenAt, words: found.words };
}

/** `flowOf`: the flow that a token's index belongs to; null = none. */
export function createPlannedProbes(
  runTag: number,
  tags: RunTags,
  flowOf: (index: number) => Flow | null,
): PlannedProbes {
  const kinds = createPlannedKinds(runTag, tags, flowOf);
  const headersOf = createHeaderReader();
  const known = new Map<number, Template | null>();
  const bySlot: (Template | undefined)[] = Array.from({ length: slots }, () => undefined);
  const countedIds = new Float64Array(counted).fill(-1);
  const counts = new Uint8Array(counted);
  const places: number[] = [];
  let last: Template | undefined;
  /** The bytes that frames lie in now, as words; null where they do not begin at one. */
  let wanted: Uint8Array | null = null;
  let words: Int32Array | null = null;
  const slotOf = (index: number): number => Math.imul(index >>> indicesPerSlot, 0x9e37_79b1) >>> 22;
  const probe: { flow: Flow | null; sequence: number; readonly form: 'as-sent' } = {
    flow: null,
    sequence: 0,
    form: 'as-sent',
  };
  const isProbe = (one: typeof probe): one is typeof probe & PlannedProbe => one.flow !== null;

  function wordsOf(bytes: Uint8Array): Int32Array | null {
    if (bytes !== wanted) {
      wanted = bytes;
      words = (bytes.byteOffset & 3) === 0 ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2) : null;
    }
    return words;
  }
  function isFrequent(id: number): boolean {
    const slot = id & (counted - 1);
    if (countedIds[slot] !== id) {
      countedIds[slot] = id;
      counts[slot] = 0;
    }
    const count = (counts[slot] ?? 0) + 1;
    counts[slot] = Math.min(count, worthATemplate);
    return count >= worthATemplate;
  }
  /**
   * Makes a template of a flow whose frames come again and again: comparing with it takes a quarter of what its kind
   * takes.
   */
  function remember(flow: Flow, sequence: number): void {
    if (flow.count < worthATemplate) return;
    let template = known.get(flow.id);
    if (template === undefined) {
      if (!isFrequent(flow.id)) return;
      if (known.size >= maxTemplates) known.clear();
      template = templateOf(flow, runTag, headersOf);
      known.set(flow.id, template);
    }
    if (template === null) return;
    bySlot[slotOf(flow.first + sequence)] = template;
    const place = template.tokenAt;
    if (!places.includes(place) && places.length < maxPlaces) places.push(place);
  }
  /** The template of the frame that has a token of this run at one of the known places. */
  function find(bytes: Uint8Array, start: number, end: number): Template | undefined {
    for (const place of places) {
      const at = start + place;
      if (
        at + tokenLength > end ||
        bytes[at] !== magicHigh ||
        bytes[at + 1] !== magicLow ||
        readU32(bytes, at + 2) !== runTag
      )
        continue;
      const template = bySlot[slotOf(tokenIndex(bytes, at))];
      return template?.tokenAt === place ? template : undefined;
    }
    return undefined;
  }

  return {
    read(bytes, start, end) {
      // Frames of pcapng begin at a word; of others every frame is classified.
      const all = (start & 3) === 0 ? wordsOf(bytes) : null;
      if (all === null) return null;
      let template = last;
      if (template === undefined || !isLike(all, start, template)) {
        template = find(bytes, start, end);
        if (template === undefined || !isLike(all, start, template)) {
          const found = kinds.read(bytes, all, start, end);
          if (found !== null) remember(found.flow, found.sequence);
          return found;
        }
        last = template;
      }
      if (start + template.tokenAt + tokenLength > end) return null;
      const at = (start + template.tokenAt + ofRun) >>> 2; // index and tag are words as well
      const index = asNumber(all[at] ?? 0);
      if (index < template.first || index >= template.end || !tags.holdsWords(all, at + 1, index)) return null;
      probe.flow = template.flow;
      probe.sequence = index - template.first;
      return isProbe(probe) ? probe : null;
    },
    learn(flow, sequence) {
      kinds.learn(flow);
      remember(flow, sequence);
    },
  };
}
