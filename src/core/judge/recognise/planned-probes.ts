import type { Flow } from '../../model/plan.js';
import { asNumber, readU32 } from '../../wire/bytes.js';
import { magicHigh, magicLow, tokenIndex, tokenLength } from '../../wire/token.js';
import { createHeaderReader } from './frame-form.js';
import { type HeaderWords, headerWords, isLike, ofRun } from './header-words.js';
import { isProbe, type MutableProbe, PlannedKinds, type PlannedProbe } from './planned-kinds.js';
import type { RunTags } from './run-tags.js';

interface Template extends Omit<HeaderWords, 'view'> {
  readonly flow: Flow;
  readonly first: number;
  readonly end: number;
}

/** A template pays only for a flow that recurs this often. */
const worthATemplate = 16;
const counted = 1024;
const maxTemplates = 4096;
const slots = 1024;
const indicesPerSlot = 4;
const maxPlaces = 8;

function templateOf(flow: Flow, runTag: number, headersOf: ReturnType<typeof createHeaderReader>): Template | null {
  const header = headerWords(flow, runTag, headersOf);
  return header === null
    ? null
    : { flow, first: flow.first, end: flow.first + flow.count, tokenAt: header.tokenAt, words: header.words };
}

/**
 * Recognises frames equal to the planned bytes up to the token: reading headers takes ten times as long. The classifier
 * gets the others and never disagrees.
 */
export class PlannedProbes {
  private readonly runTag: number;
  private readonly tags: RunTags;
  private readonly kinds: PlannedKinds;
  private readonly headersOf = createHeaderReader();
  private readonly known = new Map<number, Template | null>();
  private readonly bySlot: (Template | undefined)[] = Array.from({ length: slots }, () => undefined);
  private readonly countedIds = new Float64Array(counted).fill(-1);
  private readonly counts = new Uint8Array(counted);
  private readonly places: number[] = [];
  private last: Template | undefined;
  private wanted: Uint8Array | null = null;
  private words: Int32Array | null = null;
  private readonly probe: MutableProbe = { flow: null, sequence: 0, form: 'as-sent' };

  constructor(runTag: number, tags: RunTags, flowOf: (index: number) => Flow | null) {
    this.runTag = runTag;
    this.tags = tags;
    this.kinds = new PlannedKinds(runTag, tags, flowOf);
  }

  read(bytes: Uint8Array, start: number, end: number): PlannedProbe | null {
    // Frames of pcapng begin at a word; others go to the classifier.
    const words = (start & 3) === 0 ? this.wordsOf(bytes) : null;
    if (words === null) return null;
    let template = this.last;
    if (template === undefined || !isLike(words, start, template)) {
      template = this.find(bytes, start, end);
      if (template === undefined || !isLike(words, start, template)) {
        const probe = this.kinds.read(bytes, words, start, end);
        if (probe !== null) this.remember(probe.flow, probe.sequence);
        return probe;
      }
      this.last = template;
    }
    if (start + template.tokenAt + tokenLength > end) return null;
    const at = (start + template.tokenAt + ofRun) >>> 2; // index and tag are words as well
    const index = asNumber(words[at] ?? 0);
    if (index < template.first || index >= template.end || !this.tags.holdsWords(words, at + 1, index)) return null;
    const { probe } = this;
    probe.flow = template.flow;
    probe.sequence = index - template.first;
    return isProbe(probe) ? probe : null;
  }

  learn(flow: Flow, sequence: number): void {
    this.kinds.learn(flow);
    this.remember(flow, sequence);
  }

  private wordsOf(bytes: Uint8Array): Int32Array | null {
    if (bytes !== this.wanted) {
      this.wanted = bytes;
      const { buffer, byteOffset, length } = bytes;
      this.words = (byteOffset & 3) === 0 ? new Int32Array(buffer, byteOffset, length >>> 2) : null;
    }
    return this.words;
  }

  private isFrequent(id: number): boolean {
    const slot = id & (counted - 1);
    if (this.countedIds[slot] !== id) {
      this.countedIds[slot] = id;
      this.counts[slot] = 0;
    }
    const count = (this.counts[slot] ?? 0) + 1;
    this.counts[slot] = Math.min(count, worthATemplate);
    return count >= worthATemplate;
  }

  /** Comparing with a template takes a quarter of its kind's time. */
  private remember(flow: Flow, sequence: number): void {
    if (flow.count < worthATemplate) return;
    let template = this.known.get(flow.id);
    if (template === undefined) {
      if (!this.isFrequent(flow.id)) return;
      if (this.known.size >= maxTemplates) this.known.clear();
      template = templateOf(flow, this.runTag, this.headersOf);
      this.known.set(flow.id, template);
    }
    if (template === null) return;
    this.bySlot[slotOf(flow.first + sequence)] = template;
    const place = template.tokenAt;
    if (!this.places.includes(place) && this.places.length < maxPlaces) this.places.push(place);
  }

  private find(bytes: Uint8Array, start: number, end: number): Template | undefined {
    for (const place of this.places) {
      const at = start + place;
      if (
        at + tokenLength > end ||
        bytes[at] !== magicHigh ||
        bytes[at + 1] !== magicLow ||
        readU32(bytes, at + 2) !== this.runTag
      )
        continue;
      const template = this.bySlot[slotOf(tokenIndex(bytes, at))];
      return template?.tokenAt === place ? template : undefined;
    }
    return undefined;
  }
}

function slotOf(index: number): number {
  return Math.imul(index >>> indicesPerSlot, 0x9e37_79b1) >>> 22;
}
