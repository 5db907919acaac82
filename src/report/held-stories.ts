import type { CarriersApart, Held, Result } from '../core/model/result.js';

/** What held, the same in one or more steps. Steps are 0-based. */
export interface HeldStory {
  readonly steps: readonly number[];
  readonly held: Held;
}

/** Why the steps of a run that hold do, each story told once. */
export function heldStories(result: Result): readonly HeldStory[] {
  const stories = new Map<string, { readonly steps: number[]; readonly held: Held }>();
  result.steps.forEach((step, index) => {
    for (const held of step.held ?? []) {
      const key = JSON.stringify(held);
      const known = stories.get(key);
      if (known === undefined) stories.set(key, { steps: [index], held });
      else known.steps.push(index);
    }
  });
  return [...stories.values()];
}

/** `tap1.flood, tap2.flood and 7 more` */
export function placesText({ places, morePlaces = 0 }: Held['barriers'][number], most: number): string {
  const more = Math.max(0, places.length - most) + morePlaces;
  return `${places.slice(0, most).join(', ')}${more === 0 ? '' : ` and ${more} more`}`;
}

/** Where carriers came to different ends, with the 0-based step. */
export function apartStories(result: Result): readonly { readonly step: number; readonly apart: CarriersApart }[] {
  return result.steps.flatMap((each, step) => (each.carriersApart ?? []).map((apart) => ({ step, apart })));
}
