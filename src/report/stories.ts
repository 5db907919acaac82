import type { PersistentFix, ProvenFix } from '../core/model/fix.js';
import type { CarriersApart, Held, HeldAtEntry, Result } from '../core/model/result.js';
import { counted } from '../core/text/escape.js';
import { setText, someText } from '../core/text/names.js';
import { type Block, factsOf } from './document.js';

/** `1,200 probes ended in nft_do_chain at vnet3`, and probes without a copy; none = not measured. */
export function measuredText({ measured }: Held): readonly string[] {
  if (measured === undefined) return [];
  const dropped = measured.dropped.map(
    ({ function: name, device, probes }) => `${counted(probes, 'probe', 'probes')} ended in ${name} at ${device}`,
  );
  const { notCopied, sampled } = measured;
  const ends = notCopied === 0 ? dropped : [...dropped, `${counted(notCopied, 'probe', 'probes')}: no copy was made`];
  return sampled === undefined
    ? ends
    : ends.map((end) => `of ${counted(sampled, 'traced probe', 'traced probes')} ${end}`);
}

/** Barriers of some steps, from 0. */
export interface HeldStory {
  readonly steps: readonly number[];
  readonly story: Held;
}

/** Each once. */
export function heldStories(result: Result): readonly HeldStory[] {
  const stories = new Map<string, { readonly steps: number[]; readonly story: Held }>();
  result.steps.forEach((step, index) => {
    for (const story of step.held ?? []) {
      const key = JSON.stringify(story);
      const known = stories.get(key);
      if (known === undefined) stories.set(key, { steps: [index], story });
      else known.steps.push(index);
    }
  });
  return [...stories.values()];
}

/** `tap1.flood, tap2.flood and 7 more` */
export function placesText({ places, morePlaces = 0 }: Held['barriers'][number], most: number): string {
  return someText(places, most, morePlaces);
}

/** Probes past their port, each once. */
export function reachTexts(result: Result): readonly string[] {
  const texts = result.steps.flatMap(({ traced = [] }) =>
    traced.map(
      ({ observer, device, probes }) =>
        `${observer} had ${counted(probes, 'probe')} past its port, at ${device}, as the kernel's trace shows`,
    ),
  );
  return [...new Set(texts)];
}

/** Carriers that came out differently, with their step from 0. */
export function apartStories(result: Result): readonly { readonly step: number; readonly apart: CarriersApart }[] {
  return result.steps.flatMap((each, step) => (each.carriersApart ?? []).map((apart) => ({ step, apart })));
}

/** Probes that did not enter, with their step from 0. */
export function entryStories(result: Result): readonly { readonly step: number; readonly story: HeldAtEntry }[] {
  return result.steps.flatMap(({ heldAtEntry = [] }, step) => heldAtEntry.map((story) => ({ step, story })));
}

/** Sender, tags, carrier and barrier. */
export function entryText({ from, tags, carrier, by }: HeldAtEntry): string {
  return `held at entry: ${setText(from)} ${tags} ${carrier}: ${by.join(', ')}`;
}

const outcomeWords: Readonly<Record<ProvenFix['outcome'], string>> = {
  works: 'WORKS',
  partly: 'WORKS IN PART',
  'still-leaks': 'STILL LEAKS',
  'no-effect': 'NO EFFECT',
  'cuts-off': 'CUTS OFF',
  separates: 'SEPARATES',
  unproven: 'UNPROVEN',
  failed: 'FAILED',
};

/** `WORKS`, `CUTS OFF (ARP): db`, `SEPARATES a and b`, `NO EFFECT` */
export function outcomeText({ outcome, cutOff, lost = [], separated = [] }: ProvenFix): string {
  const word = outcomeWords[outcome];
  switch (outcome) {
    case 'cuts-off':
      return lost.length === 0
        ? `${word}: ${setText(cutOff)}`
        : `${word} (${lost.map(({ what }) => what).join(', ')}): ${setText(cutOff)}`;
    case 'separates':
      return `${word} ${setText([...new Set(separated.flat())])}`;
    default:
      return word;
  }
}

/** Tried fixes, with their step from 0. */
export function fixStories(result: Result): readonly { readonly step: number; readonly fix: ProvenFix }[] {
  return result.steps.flatMap((each, step) => (each.fixes ?? []).map((fix) => ({ step, fix })));
}

/** `300 → 0` */
export function beforeAfterText({ before, after }: ProvenFix): string {
  return `${before ?? '?'} → ${after ?? '?'}`;
}

/** Place, form to paste, command and notes. */
export function persistentBlocks(persistent: readonly PersistentFix[]): readonly Block[] {
  // what several findings put into one file is in each of them
  const distinct = new Map(persistent.map((fix) => [JSON.stringify({ ...fix, device: null }), fix]));
  return [...distinct.values()].flatMap(({ by, where, form, apply, note }): readonly Block[] => [
    ...factsOf([[`to last (${by})`, where === '' ? note : where]]),
    ...(form === '' ? [] : [{ kind: 'code', text: form } as const]),
    ...factsOf([
      ...(apply === '' ? [] : [['then', apply] as const]),
      ...(note === '' || where === '' ? [] : [['note', note] as const]),
    ]),
  ]);
}
