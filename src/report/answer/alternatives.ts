import { prices } from '../../core/bridge/weakness.js';
import { causePhrase, fixCost, fixPrice } from '../../core/bridge/weaknesses.js';
import type { PersistentFix, ProvenFix } from '../../core/model/fix.js';
import type { LeakGroup, Result } from '../../core/model/result.js';
import { beforeAfterText, outcomeText } from '../stories.js';
import { causeStories, type CauseStory } from './cause-stories.js';
import { type Audience, whoText } from './participants.js';
import { countText } from '../../core/text/names.js';

/** One way to end a story's leaks. */
export interface Alternative {
  readonly cause: string;
  readonly phrase: string;
  /** Run together. Empty = nothing to type. */
  readonly commands: readonly string[];
  /** Endpoints that lose traffic. '' = not known. */
  readonly cost: string;
  /** '' = not tried. */
  readonly tried: string;
  /** The worst of several trials. */
  readonly outcome: FixOutcome;
  /** Guests would lose each other, ARP or the network. */
  readonly cutsOff: boolean;
  /** The ended leaks. '' = all. */
  readonly part: string;
  readonly persistent: readonly PersistentFix[];
}

type FixOutcome = 'works' | 'untried' | 'fails';
const outcomes: readonly FixOutcome[] = ['works', 'untried', 'fails'];

function outcomeOf(trials: readonly ProvenFix[]): FixOutcome {
  if (trials.length === 0) return 'untried';
  if (trials.some(({ outcome }) => !['works', 'partly', 'unproven'].includes(outcome))) return 'fails';
  return trials.every(({ outcome }) => outcome === 'works') ? 'works' : 'untried';
}

/** Separation is the aim if addressees are reached, or one port alone lacks a setting of the others. */
function isCutOff({ observers, to }: LeakGroup, price: number, commands: number): boolean {
  const separates = price >= prices.apart && commands > 1 && !observers.every((name) => to.includes(name));
  return price >= prices.cutOff || separates;
}

/** Working fixes first, failing ones last, then those that end all leaks, then the cheapest. */
export function alternativesOf({ group, tried }: CauseStory): readonly Alternative[] {
  const options = group.causes.map((cause): Alternative & { readonly price: number } => {
    const trials = tried.filter((fix) => fix.cause === cause.code);
    const { places, fixes, ...known } = cause;
    const foundFix = { ...known, place: places.join(', '), fix: fixes.join(' && ') };
    const price = fixPrice(cause.code, foundFix);
    return {
      price,
      cutsOff: isCutOff(group, price, fixes.length),
      cause: cause.code,
      phrase: causePhrase(cause),
      commands: cause.fixes,
      cost: cause.cost ?? fixCost(cause.code, foundFix) ?? '',
      part: cause.rows >= group.rows ? '' : `${countText(cause.rows)} of ${countText(group.rows)} leaks`,
      persistent: cause.lasting ?? [],
      tried: [...new Set(trials.map(triedText))].join(', '),
      outcome: outcomeOf(trials),
    };
  });
  return [...options].sort(
    (a, b) =>
      outcomes.indexOf(a.outcome) - outcomes.indexOf(b.outcome) ||
      Number(a.part !== '') - Number(b.part !== '') ||
      a.price - b.price,
  );
}

function triedText(fix: ProvenFix): string {
  return `${outcomeText(fix)} (${beforeAfterText(fix)} frames)`;
}

/** A story's most specific cause. */
export function storyPhrase({ group }: CauseStory): string {
  const cause = group.causes.find(({ code }) => code === group.cause);
  return cause === undefined ? group.cause : causePhrase(cause);
}

/** The fix of the last lines. */
export interface FirstFix extends Alternative {
  /** The cause that it ends, if that is not the first story's. */
  readonly ends: string | null;
}

/** The first fix not shown to fail that cuts off no guest. Of several stories, one shown to work. */
export function firstFix(stories: readonly CauseStory[]): FirstFix | null {
  const fixes = stories.flatMap((story, at) => {
    const first = alternativesOf(story).find(
      ({ commands, outcome, cutsOff }) => commands.length > 0 && outcome !== 'fails' && !cutsOff,
    );
    return first === undefined ? [] : [{ ...first, ends: at === 0 ? null : storyPhrase(story) }];
  });
  return fixes.find(({ outcome }) => outcome === 'works') ?? fixes[0] ?? null;
}

const maxDevices = 12;
const devicePattern = /(?<= dev )('[^']*'|\S+)/;

function byDevice(commands: readonly string[]): ReadonlyMap<string, string> | null {
  const lines = new Map<string, string>();
  for (const command of commands) {
    const [device] = devicePattern.exec(command) ?? [];
    if (device === undefined) return null;
    const line = command.replace(devicePattern, '"$dev"');
    lines.set(device, lines.has(device) ? `${lines.get(device) ?? ''}; ${line}` : line);
  }
  return lines;
}

/** One line to paste, with a loop over devices. `more` counts the rest. */
export function commandsText(commands: readonly string[]): { readonly line: string; readonly more: number } {
  const [first = ''] = commands;
  if (commands.length <= 2) return { line: commands.join(' && '), more: 0 };
  const lines = byDevice(commands);
  const [loop, ...others] = new Set(lines?.values());
  if (lines === null || loop === undefined || others.length > 0 || lines.size === 1)
    return { line: commands.join(' && '), more: 0 };
  return lines.size <= maxDevices && !first.startsWith('ssh ')
    ? { line: `for dev in ${[...lines.keys()].join(' ')}; do ${loop}; done`, more: 0 }
    : { line: first, more: commands.length - 1 };
}

/** Commands in one line, with the number of left-out ones; '' = none. */
export function commandsLine(commands: readonly string[]): string {
  const { line, more } = commandsText(commands);
  return more === 0 ? line : `${line} (and ${countText(more)} more like it)`;
}

/** Outcome, ended leaks and price. '' = not known. */
export function priceText({ tried, part, cost, cutsOff }: Omit<Alternative, 'persistent'>): string {
  return [
    ...(tried === '' ? [] : [`tried: ${tried}`]),
    ...(cutsOff ? ['cuts guests off'] : []),
    ...(part === '' ? [] : [`ends ${part}`]),
    ...(cost === '' ? [] : [`costs: ${cost}`]),
  ].join('; ');
}

/** Observers, cause, fixes and their costs. */
export function storyLine(story: CauseStory, audience: Audience): string {
  const { accepted } = story.group;
  const options = alternativesOf(story)
    .filter(({ commands }) => commands.length > 0)
    .map((way) => `${commandsLine(way.commands)}${priceText(way) === '' ? '' : ` (${priceText(way)})`}`);
  return [
    `${whoText(story.group, audience)}: ${storyPhrase(story)}.`,
    ...(options.length === 0 ? [] : [`Fix: ${options.join(', or ')}.`]),
    ...(accepted === undefined ? [] : [`Accepted: ${accepted.reason}.`]),
  ].join(' ');
}

/** Causes of unexpected leaks of a step. */
export function failingStoriesOf(result: Result, at: number): readonly CauseStory[] {
  const step = result.steps[at];
  return step === undefined ? [] : causeStories({ ...result, steps: [step] }).filter(({ failing }) => failing);
}
