import type { Result } from '../../core/model/result.js';
import { alternativesOf, commandsText, storyPhrase } from './alternatives.js';
import { type CauseStory, causeStories } from './cause-stories.js';
import { countText, stepsText } from './names.js';
import { type Audience, whoText } from './who.js';

/** A way to end a leak in words: the command, what became of it where it was tried, and its price. */
export interface FixText {
  readonly command: string;
  /** '' = nothing more is to be said. */
  readonly price: string;
}

/** A cause with its leaks in words, not escaped. */
export interface StoryText {
  readonly phrase: string;
  readonly steps: string;
  readonly who: string;
  /** One or the other. */
  readonly fixes: readonly FixText[];
  /** Who accepted it; '' = nobody. */
  readonly accepted: string;
}

/** A cause with its leaks in words: the same for every report that is no terminal. */
export function storyTextsOf(story: CauseStory, audience: Audience): StoryText {
  const { accepted } = story.group;
  return {
    phrase: storyPhrase(story),
    steps: stepsText(story.steps),
    who: whoText(story.group, audience),
    fixes: alternativesOf(story)
      .filter(({ commands }) => commands.length > 0)
      .map(({ commands, cost, part, tried }) => {
        const { line, more } = commandsText(commands);
        return {
          command: more === 0 ? line : `${line} (and ${countText(more)} more like it)`,
          price: [
            ...(tried === '' ? [] : [`tried: ${tried}`]),
            ...(part === '' ? [] : [`ends ${part}`]),
            ...(cost === '' ? [] : [`costs: ${cost}`]),
          ].join('; '),
        };
      }),
    accepted: accepted === undefined ? '' : accepted.reason,
  };
}

/** The same in one line: `kali3 receives …: br0 is a hub. Fix: … (costs: …), or …`. */
export function storyLine(story: CauseStory, audience: Audience): string {
  const { phrase, who, fixes, accepted } = storyTextsOf(story, audience);
  const told = fixes.map(({ command, price }) => `${command}${price === '' ? '' : ` (${price})`}`);
  return [
    `${who}: ${phrase}.`,
    ...(told.length === 0 ? [] : [`Fix: ${told.join(', or ')}.`]),
    ...(accepted === '' ? [] : [`Accepted: ${accepted}.`]),
  ].join(' ');
}

/** The causes of the leaks of one step that were not expected. */
export function failingStoriesOf(result: Result, at: number): readonly CauseStory[] {
  const step = result.steps[at];
  return step === undefined ? [] : causeStories({ ...result, steps: [step] }).filter(({ failing }) => failing);
}
